"""Bodies that are too large, packed or too deep, at both doors and in an insurer's answers: refused in bounded memory."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

import pytest
from support.bills import sample_bill
from support.doorstage import DoorStage, EvilInsurer, Peer
from support.hostile import deep
from support.house import House
from support.signed import HOSPITAL_THREE, signer_of

GIGABYTE = 1 << 30
MEGABYTE = b" " * (1 << 20)
ROOM_MIB = 200
"""More than the bodies of one hospital under way (4 x 16 MiB) and their copies; far less than what is thrown at it."""


@pytest.fixture(autouse=True)
async def _bounded(narrow: DoorStage, ward: House, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """After every attack its peak is known and hospital one is served at once."""
    await ward.settle(sample_bill("huiyibao"))
    before = narrow.resident()
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    peak = asyncio.ensure_future(narrow.peak(over))
    yield
    served = await asyncio.wait_for(ward.submit(sample_bill("huiyibao")), 5)
    over.set_result(None)
    print(f"{request.node.name}: RSS {before:.0f} -> at most {await peak:.0f} MiB")
    assert served.is_decided
    assert await peak - before < ROOM_MIB


async def _post(
    narrow: DoorStage, door: str, path: str, head: str, body: Iterator[bytes], *, proven: bool
) -> tuple[bytes, int]:
    """Write until there is an answer or no connection; the answer's status line and how much was taken off our hands."""
    reader, writer = await narrow.attack(door, proven=proven)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: large-1\r\n{head}\r\n\r\n".encode())
    answer = asyncio.ensure_future(reader.readline())
    sent = 0
    try:
        for part in body:
            if answer.done():
                break
            writer.write(part)
            await writer.drain()
            sent += len(part)
        return await asyncio.wait_for(answer, 10), sent
    except OSError:
        return (answer.result() if answer.done() and not answer.exception() else b""), sent
    finally:
        answer.cancel()
        writer.transport.abort()


def _chunks(megabytes: int) -> Iterator[bytes]:
    head = f"{len(MEGABYTE):x}\r\n".encode()
    yield from (head + MEGABYTE + b"\r\n" for _ in range(megabytes))


DOORS = [("hospital", "/v1/claims"), ("partner", "/partners/ant/notify")]


@pytest.mark.parametrize(("door", "path"), DOORS)
async def test_a_gigabyte_that_is_declared_is_refused_before_it_is_read(
    narrow: DoorStage, door: str, path: str
) -> None:
    head = f"Content-Length: {GIGABYTE}"

    status, sent = await _post(narrow, door, path, head, iter([b" "] * 3), proven=True)

    assert b" 413 " in status
    assert sent < 1 << 20


async def test_nothing_of_a_strangers_body_is_read(narrow: DoorStage) -> None:
    status, _ = await _post(narrow, *DOORS[0], f"Content-Length: {GIGABYTE}", iter([b" "]), proven=False)

    assert b" 401 " in status


@pytest.mark.parametrize("at_once", [2, pytest.param(16, marks=pytest.mark.long)])
@pytest.mark.parametrize(("door", "path"), DOORS)
async def test_gigabytes_that_stream_in_are_cut_off(narrow: DoorStage, door: str, path: str, at_once: int) -> None:
    """Chunked, so that nobody can know beforehand; several at once."""
    streams = (
        _post(narrow, door, path, "Transfer-Encoding: chunked", _chunks(1024), proven=True) for _ in range(at_once)
    )
    for status, sent in await asyncio.gather(*streams):
        assert status == b"" or status.split()[1] in (b"408", b"413", b"503"), "late, too large, or no room for all"
        assert sent < GIGABYTE // 2, "the connection was cut off long before the end"


def _bomb(megabytes: int) -> bytes:
    """One gzip stream of so many megabytes of blanks."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(MEGABYTE) for _ in range(megabytes)]) + packer.flush()


@pytest.fixture(scope="module", params=[100, pytest.param(10 * 1024, marks=pytest.mark.long)], ids="{}MiB".format)
def bomb(request: pytest.FixtureRequest) -> bytes:
    return _bomb(request.param)


async def test_a_packed_bomb_is_refused_unopened_at_the_hospitals_door(ward: House, bomb: bytes) -> None:
    headers = {"Idempotency-Key": "bomb-1", "Content-Encoding": "gzip"}

    assert (await ward.call("POST", "/v1/claims", bomb[: 12 << 20], headers)).code == "encoding-not-taken"


async def test_a_packed_bomb_is_refused_unopened_at_the_insurers_door(ward: House, bomb: bytes) -> None:
    for headers in ({"Content-Encoding": "gzip"}, {}):
        answer = await ward.call("POST", "/partners/ant/notify", bomb, headers, door="partner", proven=False)
        assert answer.status in (400, 401, 413)


DEEP = deep(10_000), b"<a>" * 10_000 + b"</a>" * 10_000


@pytest.mark.parametrize("path", ["/v1/claims", "/v1/claims/yibao-2207", "/v1/claims/fhir-r4"])
async def test_ten_thousand_levels_are_refused_at_the_hospitals_door(ward: House, path: str) -> None:
    for body in DEEP:
        assert (await ward.call("POST", path, body, {"Idempotency-Key": "deep-1"})).status in (400, 422)


@pytest.mark.parametrize(
    "path", ["ant/notify", "huiyibao/hospitalDirect/order/noticeInsuranceAmount", "hcx/claim/on_submit"]
)
async def test_ten_thousand_levels_are_refused_at_the_insurers_door(ward: House, path: str) -> None:
    for body in DEEP:
        answer = await ward.call("POST", f"/partners/{path}", body, door="partner", proven=False)
        assert answer.status in (400, 401)


def _whole(head: bytes, body: bytes) -> Peer:
    async def behave(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
        for start in range(0, len(body), 1 << 18):
            writer.write(body[start : start + (1 << 18)])
            await writer.drain()

    return behave


def _endless(head: bytes, part: bytes, pause_s: float) -> Peer:
    async def behave(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + head)
        for _ in range(100_000):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return behave


def _sized(body: bytes, more: bytes = b"") -> Peer:
    return _whole(more + b"Content-Length: %d" % len(body), body)


ANSWERS = {
    "declared gigabyte": _whole(b"Content-Length: 1073741824", b" " * 1000),
    "endless body": _endless(b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MEGABYTE + b"\r\n", 0),
    "endless head": _endless(b"", b"X-More: " + b"x" * 8000 + b"\r\n", 0),
    "head that drips": _endless(b"", b"X", 0.2),
    "body that drips": _endless(b"Content-Length: 100000\r\n\r\n", b" ", 0.2),
    "deep JSON": _sized(deep(10_000)),
    "deep XML": _sized(DEEP[1]),
}


async def _hostile_answer(narrow: DoorStage, ward: House, evil: EvilInsurer, behave: Peer) -> None:
    """Hospital three's bill goes to an insurer that answers so; meanwhile hospital one is served by another."""
    evil.behave, before = behave, evil.calls
    bill = sample_bill("package", hospital=HOSPITAL_THREE)
    headers = signer_of(narrow, HOSPITAL_THREE)("POST", "/v1/claims", "", bill.body, bill.key)
    asked = asyncio.ensure_future(ward.call("POST", "/v1/claims", bill.body, _wanted(bill.key, headers), proven=False))
    other = await asyncio.wait_for(ward.submit(sample_bill("huiyibao")), 5)
    answer = await asked

    assert other.is_decided
    assert evil.calls > before
    assert answer.status in (200, 202)
    assert answer.document["approved_fen"] == 0, "nothing of such an answer is believed"


def _wanted(key: str, headers: dict[str, str]) -> dict[str, str]:
    return {"Idempotency-Key": key, "Prefer": "wait=1", "Content-Type": "application/json", **headers}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_insurers_hostile_answer_is_bounded(
    narrow: DoorStage, ward: House, evil: EvilInsurer, name: str
) -> None:
    await _hostile_answer(narrow, ward, evil, ANSWERS[name])


async def test_an_insurers_packed_bomb_is_bounded(
    narrow: DoorStage, ward: House, evil: EvilInsurer, bomb: bytes
) -> None:
    await _hostile_answer(narrow, ward, evil, _sized(bomb, b"Content-Encoding: gzip\r\n"))
