"""Thousands of idle connections: held to the door's share in memory, and whoever proves to be somebody is served."""

import asyncio
import time
from pathlib import Path

import pytest
from support.bills import sample_bill
from support.doorstage import DoorStage
from support.house import House


async def _idle(narrow: DoorStage, address: str, *, tls: bool) -> asyncio.StreamWriter | None:
    """A connection that says nothing; None if it was closed at once."""
    secured = {"ssl": narrow.context(), "server_hostname": "localhost"} if tls else {}
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection("127.0.0.1", narrow.ports["hospital"], local_addr=(address, 0), **secured), 30
        )
    except (OSError, TimeoutError):
        return None
    return writer


async def test_one_address_gets_its_share_of_connections(narrow: DoorStage) -> None:
    """Four hundred of them; the next one is closed before its handshake."""
    before = narrow.descriptors()
    held = await asyncio.gather(*(_idle(narrow, "127.0.0.4", tls=False) for _ in range(700)))
    await asyncio.sleep(0.3)

    inside = narrow.descriptors() - before

    assert 350 <= inside <= 420
    for writer in held:
        if writer is not None:
            writer.transport.abort()


@pytest.mark.parametrize("many", [1500, pytest.param(10_000, marks=pytest.mark.long)])
async def test_idle_connections_from_everywhere_keep_no_hospital_out(narrow: DoorStage, ward: House, many: int) -> None:
    """From so many addresses that the door (1,200 connections) is full several times over."""
    await ward.settle(sample_bill("huiyibao"))
    resident, before = narrow.resident(), narrow.descriptors()
    tls = many > 5000
    flood = asyncio.ensure_future(_flood(narrow, many, tls=tls))
    peak = asyncio.ensure_future(narrow.peak(flood))
    longest = 0.0
    while not flood.done():
        async with House(narrow) as newcomer:
            started = time.monotonic()
            answer = await newcomer.insist(sample_bill("huiyibao"))
            longest = max(longest, time.monotonic() - started)
        assert answer.is_decided
        await asyncio.sleep(0.1)
    held = await flood
    inside = narrow.descriptors() - before

    print(f"{many} idle: RSS {resident:.0f} -> {await peak:.0f} MiB, {inside} held, served within {longest:.2f} s")
    for writer in held:
        writer.transport.abort()
    assert inside <= 1250
    assert await peak - resident < 250
    assert longest < (15 if tls else 3), "two cores shake hands with all of them"
    assert await narrow.comes_down_to(before + 20)


async def _flood(narrow: DoorStage, many: int, *, tls: bool) -> list[asyncio.StreamWriter]:
    """Connections in waves from thirty addresses."""
    held: list[asyncio.StreamWriter] = []
    for start in range(0, many, 250):
        addresses = [f"127.0.1.{number % 30 + 1}" for number in range(start, min(start + 250, many))]
        made = await asyncio.gather(*(_idle(narrow, address, tls=tls) for address in addresses))
        held += [writer for writer in made if writer is not None]
    return held


def test_the_gateway_may_open_as_many_files_as_its_user_may(narrow: DoorStage) -> None:
    limits = Path(f"/proc/{narrow.pid}/limits").read_text("ascii").splitlines()
    soft, hard = next(line for line in limits if line.startswith("Max open files")).split()[3:5]

    assert soft == hard
