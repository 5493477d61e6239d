"""Faults C4 to C6: answers that are endless, lie about their length, blow up, or are of another kind. None is a yes or a no."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.doorstage import DoorStage, EvilInsurer
from support.folders import WRITING, loaded
from support.house import House
from support.meddled import paid_once
from support.meddler import Call, Meddler

from gateway.claims.canonical.dispatch import Dispatch, read_result
from gateway.kernel.errors import LianpeiError
from gateway.mapping import Incoming

pytestmark = pytest.mark.heavy

SETTLE = "S291"
MOST_MIB = 16
PIECES = 1000
"""About 60 MiB: many times what may be taken."""
Deed = Callable[[Call], Awaitable[None]]


async def _pour(call: Call, head: bytes, piece: bytes) -> None:
    """The work is done; then ``piece`` comes again and again, and the end never."""
    await call.answer()
    call.writer.write(b"HTTP/1.1 200 OK\r\n" + head)
    for _ in range(PIECES):
        if call.writer.transport.is_closing():
            return
        call.writer.write(piece)
        await call.writer.drain()
        await asyncio.sleep(0)  # a peer that hung up is not noticed by writing alone
    await asyncio.sleep(20)


async def _ten_gigabytes(call: Call) -> None:
    await _pour(call, b"Content-Length: 10000000000\r\n\r\n", b"x" * 65_536)


async def _chunks_without_end(call: Call) -> None:
    await _pour(call, b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n")


async def _no_length_no_end(call: Call) -> None:
    await _pour(call, b"\r\n", b"x" * 65_536)


async def _headers_without_end(call: Call) -> None:
    await _pour(call, b"", b"X-Header: %s\r\n" % (b"h" * 50) * 1000)


async def _shorter_than_it_says(call: Call) -> None:
    answer = await call.answer()
    call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(answer) + 5) + answer)
    await call.writer.drain()
    call.writer.close()


async def _longer_than_it_says(call: Call) -> None:
    answer = await call.answer()
    call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(answer) - 5) + answer)
    await call.writer.drain()


async def _in_bounds(narrow: DoorStage, ward: House, evil: EvilInsurer, deed: Deed) -> None:
    before, started = narrow.resident(), time.monotonic()
    work = asyncio.ensure_future(paid_once(ward, evil, Meddler(narrow, SETTLE, deed)))
    most = await narrow.peak(work)

    await work
    assert most - before < MOST_MIB
    assert time.monotonic() - started < 15


TOO_MUCH = (
    _ten_gigabytes,
    _chunks_without_end,
    _no_length_no_end,
    _headers_without_end,
    _shorter_than_it_says,
    _longer_than_it_says,
)


@pytest.mark.parametrize("deed", TOO_MUCH)
async def test_c4_an_answer_without_end_or_with_a_false_length_is_cut_and_asked_about(
    narrow: DoorStage, ward: House, evil: EvilInsurer, deed: Deed
) -> None:
    await _in_bounds(narrow, ward, evil, deed)


BOMBS = {
    "a thousand to one": gzip.compress(bytes(64 << 20)),
    "many tiny members": gzip.compress(b"[", mtime=0) * 50_000,
    "a bomb in a bomb": gzip.compress(gzip.compress(bytes(64 << 20))),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_c5_an_inflation_bomb_stays_within_memory_and_time(
    narrow: DoorStage, ward: House, evil: EvilInsurer, bomb: str
) -> None:
    async def deed(call: Call) -> None:
        await call.answer()
        await call.tell(BOMBS[bomb], b"200 OK", b"Content-Encoding: gzip")

    await _in_bounds(narrow, ward, evil, deed)


FAULT = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>x</faultcode></s:Fault></s:Body></s:Envelope>'
ODD: dict[str, tuple[bytes, bytes]] = {
    "HTML": (b"200 OK", b"<!doctype html><html><body>maintenance</body></html>"),
    "empty": (b"200 OK", b""),
    "no content": (b"204 No Content", b""),
    "fault in 200": (b"200 OK", FAULT),
    "JSON of another kind": (b"200 OK", b'{"package":[]}'),
}


@pytest.mark.parametrize("kind", ODD)
async def test_c6_an_answer_of_another_kind_is_no_answer(
    narrow: DoorStage, ward: House, evil: EvilInsurer, kind: str
) -> None:
    status, body = ODD[kind]

    async def odd(call: Call) -> None:
        await call.answer()
        await call.tell(body, status)

    await paid_once(ward, evil, Meddler(narrow, SETTLE, odd))


OTHER_XML = (
    b'<Envelope xmlns="urn:another:namespace"><Body/></Envelope>',
    b'<response version="99"><ok>1</ok></response>',
)


@pytest.mark.parametrize("folder", [one for one in WRITING if one.startswith("insurers/")])
def test_c6_no_folder_reads_an_answer_of_another_kind_as_a_yes_or_no(folder: str) -> None:
    """Every act of every folder: a typed refusal to read, or unknown; never accepted, pending, refused or not found."""
    files, read = loaded(folder).files, 0
    for name, act in loaded(folder).acts.items():
        if act.answer is None or name == "token":  # a token that was refused leaves everything unsent
            continue
        for body in (*(body for _, body in ODD.values()), *OTHER_XML):
            read += 1
            assert _state(act, body, _sent(files[name].path.parent, name)) in ("unreadable", "unknown"), (name, body)
    assert read > 0


def _sent(folder: Path, act: str) -> Dispatch:
    """An example of this act, or of any, of this folder or of the one that it extends."""
    places = (folder, *(folder.parent / one for one in ("package", "ant")))
    found = [one for place in places for one in sorted((place / "examples").glob("*.dispatch.json"))]
    read = [one for one in map(_dispatch, found) if one is not None]
    return next((one for one in read if one.act.name == act), read[0])


@cache
def _dispatch(file: Path) -> Dispatch | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Dispatch)
    except msgspec.ValidationError:
        return None


def _state(act: Any, body: bytes, sent: Dispatch) -> str:
    try:
        return read_result(act.read(Incoming(body), sent)).state
    except LianpeiError as bad:
        return "not thought of" if "can't be computed" in bad.message else "unreadable"
