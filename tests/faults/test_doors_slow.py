"""Callers who are slow in every way there is: cut off in time, in bounded memory, while hospitals are served."""

import asyncio
import contextlib
import time

import pytest
from support.bills import sample_bill
from support.doorstage import DoorStage
from support.house import House

PATIENCE_S = 2.0
"""What the narrow door grants in every respect."""
SERVED_S = 3.0


async def _served(ward: House, until: "asyncio.Future[object]") -> float:
    """Hospital one settles bill after bill until then; the longest it waited."""
    longest = 0.0
    while not until.done():
        started = time.monotonic()
        answer = await ward.insist(sample_bill("huiyibao"))
        assert answer.is_decided, answer.body
        longest = max(longest, time.monotonic() - started)
        await asyncio.sleep(0.3)
    return longest


async def _drip(narrow: DoorStage, data: bytes, *, proven: bool) -> tuple[float, bytes]:
    """One byte now and then. How long the gateway stood it, and what it said; nothing if it was cut off in the handshake."""
    try:
        reader, writer = await narrow.attack(proven=proven)
    except OSError:
        return 0.0, b""
    started, told = time.monotonic(), b""
    answer = asyncio.ensure_future(reader.read())
    try:
        for place in range(len(data)):
            writer.write(data[place : place + 1])
            done, _ = await asyncio.wait({answer}, timeout=0.25)
            if done:
                break
        else:
            await asyncio.wait({answer}, timeout=10)
        with contextlib.suppress(OSError):
            told = await answer
    finally:
        writer.close()
    return time.monotonic() - started, told


async def _never_read(narrow: DoorStage) -> float:
    """Ask again and again, and leave every answer in the pipe. How long the gateway stood it."""
    try:
        _, writer = await narrow.attack()
    except OSError:  # cut off in the handshake already
        return 0.0
    writer.transport.pause_reading()
    started = time.monotonic()
    while not writer.transport.is_closing() and time.monotonic() < started + 20:
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10)
        await asyncio.sleep(0.05)
    seconds = time.monotonic() - started
    writer.transport.abort()
    return seconds


HEAD = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 200
BODY = (
    b"POST /v1/claims HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: slow-1\r\nContent-Length: 500\r\n\r\n"
    + b" " * 400
)


async def _silent(narrow: DoorStage) -> float:
    """A TCP connection without a word: not even a handshake is begun."""
    reader, writer = await asyncio.open_connection("127.0.0.1", narrow.ports["hospital"], local_addr=("127.0.0.3", 0))
    started = time.monotonic()
    await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return time.monotonic() - started


@pytest.mark.parametrize("many", [20, pytest.param(120, marks=pytest.mark.long)])
async def test_slow_callers_are_cut_off_while_a_hospital_is_served(narrow: DoorStage, ward: House, many: int) -> None:
    await ward.settle(sample_bill("huiyibao"))
    resident, descriptors = narrow.resident(), narrow.descriptors()
    head, body = HEAD[:60], BODY
    slow = asyncio.gather(
        asyncio.gather(*(_drip(narrow, head, proven=True) for _ in range(many))),
        asyncio.gather(*(_drip_body(narrow, body) for _ in range(many))),
        asyncio.gather(*(_never_read(narrow) for _ in range(many // 4))),
        asyncio.gather(*(_silent(narrow) for _ in range(5))),
    )
    peak = asyncio.ensure_future(narrow.peak(slow))
    longest = await _served(ward, slow)
    heads, bodies, deaf, silent = await slow

    print(
        f"slow callers: {many * 9 // 4 + 5}; RSS {resident:.0f} -> {await peak:.0f} MiB; served within {longest:.2f} s"
    )
    assert sum(seconds > 0 for seconds, _ in (*heads, *bodies)) > many, "most of them came in"
    assert max(seconds for seconds, _ in heads) < PATIENCE_S + 3, "a head that drips is cut off"
    assert max(seconds for seconds, _ in bodies) < PATIENCE_S + 3, "a body that drips is cut off"
    assert {told.split(b"\r\n")[0] for _, told in bodies} - {b""} == {b"HTTP/1.1 408 Request Timeout"}
    assert max(deaf) < PATIENCE_S + 6, "an answer that is never read is cut off"
    assert max(silent) < PATIENCE_S + 2, "a handshake that never begins is given up"
    assert longest < (SERVED_S if many == 20 else 3 * SERVED_S), "the attackers' handshakes share the same two cores"
    assert await peak - resident < 100
    assert await narrow.comes_down_to(descriptors + 10), "every one of them is gone"


async def _drip_body(narrow: DoorStage, data: bytes) -> tuple[float, bytes]:
    """The head at once, then the body byte by byte, as hospital one."""
    try:
        reader, writer = await narrow.attack(proven=True)
    except OSError:
        return 0.0, b""
    head, _, rest = data.partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    started = time.monotonic()
    answer = asyncio.ensure_future(reader.readuntil(b"}"))
    for place in range(len(rest)):
        writer.write(rest[place : place + 1])
        done, _ = await asyncio.wait({answer}, timeout=0.25)
        if done:
            break
    seconds, told = time.monotonic() - started, b""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # cut off while we still wrote
        told = await answer
    writer.close()
    return seconds, told
