"""Fault C12 with packets that the kernel loses: a network of its own for gateway, insurer and hospital."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bills import sample_bill
from support.doorstage import DoorStage
from support.house import House
from support.lossy import LossyRelay
from support.meddled import ends, same_books
from support.packets import Packets, network_of_its_own

from gateway.cli.ports import free_ports

pytestmark = pytest.mark.long
BILLS, ONE_WAY_S = 30, 0.15


@pytest.fixture
def packets() -> Iterator[Packets]:
    with network_of_its_own() as own:
        yield own


@pytest.fixture
def far(packets: Packets, tmp_path: Path, stage_home: Path) -> Iterator[DoorStage]:
    """Its insurer ``package`` is behind a line of 300 ms, there and back."""
    ports = free_ports()
    with DoorStage(tmp_path, ports, stage_home / "keys", evil_port=ports["payment"]) as running:
        yield running


@pytest.mark.parametrize("share", [0.05, 0.2])
async def test_c12_long_over_lost_packets_and_silent_connections_the_books_of_both_ends_agree(
    packets: Packets, far: DoorStage, share: float
) -> None:
    """Five (twenty) of a hundred packets are lost, and while claims run their open connections fall silent."""
    behind = far.ports["package"]
    packets.lose(share, far.evil_port, behind)
    bills, silent = [sample_bill("package") for _ in range(BILLS)], 0
    async with House(far) as ward, LossyRelay(far.evil_port, behind, 0, loss=0, delay_s=ONE_WAY_S):
        taken = []
        for place, bill in enumerate(bills, 1):
            taken.append(await ward.submit(bill, wait=0))
            await asyncio.sleep(0.1)
            if place % 10 == 0:
                silent += await asyncio.to_thread(packets.silence, far.evil_port, 3)
        ended = await asyncio.gather(*(ends(ward, one.document["order_id"], 240) for one in taken))
        lost = packets.lost()
        await same_books(ward, bills, [view for _, view in ended])

    print(f"{lost} packets lost, {silent} connections silenced")
    assert lost > BILLS
    assert silent > 0
