"""Cases B5 and B12: a disk that forgets what was not synced, and one whose sync is slow, under a gateway at work."""

import asyncio
import random
from pathlib import Path

import pytest
from support import disks
from support.hooked import HookedStage
from support.house import House
from support.load import Load
from support.reckoning import reckon

from gateway.cli.ports import free_ports
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store

pytestmark = pytest.mark.heavy


async def _rows(database: Path) -> dict[str, str]:
    """Bills and their states, of a file that opens without a complaint."""
    store = Store.open(database, CLAIMS)
    found = await store.read(store.find, "bill", {}, limit=10_000)
    await store.close()
    return {row["order_id"]: row["state"] for row in found}


async def test_b12_a_power_cut_takes_back_no_acknowledged_claim(tmp_path: Path, stage_home: Path) -> None:
    """What was not synced is gone: all of it for the gateway that goes on, any sectors of it for the files looked at."""
    home, kept = tmp_path / "home", tmp_path / "kept"
    hooks = {"gateway": {"disk": {"kept": str(kept)}}}
    with HookedStage(home, free_ports(), stage_home / "keys", hooks=hooks) as stage:
        stage.ready()
        async with House(stage) as house:
            load = Load(house, workers=5)
            counters = asyncio.create_task(load.run(120))
            await asyncio.sleep(2.5)
            await asyncio.to_thread(stage.kill, "gateway")
            load.enough.set()
            acknowledged = {one.order_id: bool(one.final) for one in load.sent if one.order_id}
            for seed in range(8):
                disks.cut(home, kept, tmp_path / f"cut{seed}", random.Random(seed) if seed else None)
            for lost in home.glob("claims.db-*"):
                lost.unlink()
            for left in (tmp_path / "cut0").iterdir():
                left.replace(home / left.name)
            stage.hooks.clear()
            await asyncio.to_thread(stage.start, "gateway")
            await counters
            result = await reckon(house, load)
    print(len(acknowledged), result)
    assert result.wrong == []
    assert result.decided == result.bills
    assert len(acknowledged) >= 5
    for seed in range(1, 8):
        there = await _rows(tmp_path / f"cut{seed}" / "claims.db")
        assert acknowledged.keys() <= there.keys(), f"seed {seed}"
        assert all(there[order_id] == "decided" for order_id, decided in acknowledged.items() if decided)
