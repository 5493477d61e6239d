"""Case B2: ``kill -9`` at any moment loses nothing and pays nothing twice: a promise, tried under load at seeded random moments."""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest
from support.house import House
from support.load import Load
from support.reckoning import Reckoning, reckon

from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage


async def _storm(home: Path, kills: int, seed: int) -> Reckoning:
    moments = random.Random(seed)
    with Stage(home, free_ports(), home / "keys") as stage:
        stage.ready()
        async with House(stage) as house:
            load = Load(house)
            counters = asyncio.create_task(load.run())
            await _kills(stage, kills, moments)
            load.enough.set()
            await counters
            return await reckon(house, load)


async def _kills(stage: Stage, kills: int, moments: random.Random) -> None:
    for number in range(1, kills + 1):
        pause = moments.uniform(0.05, 2.0)
        await asyncio.sleep(pause)
        await asyncio.to_thread(stage.kill, "gateway")
        started = time.monotonic()
        await asyncio.to_thread(stage.start, "gateway")
        print(
            f"kill {number} after {pause:.3f} s under load; up again in {time.monotonic() - started:.1f} s", flush=True
        )
    await asyncio.sleep(1)


async def _survives(home: Path, kills: int, seed: int) -> None:
    print(f"\nseed {seed}, {kills} kills")
    result = await _storm(home, kills, seed)
    print(result)

    assert result.wrong == []
    assert result.bills >= 8
    assert result.resent > 0, "no request was cut, so nothing was tried"
    assert result.decided == result.bills
    assert result.open_with_reason == []


async def test_b2_five_kills_under_load_lose_nothing_and_pay_nothing_twice(tmp_path: Path) -> None:
    await _survives(tmp_path, kills=5, seed=20250305)


@pytest.mark.long
async def test_b2_a_thousand_kills_under_load_lose_nothing_and_pay_nothing_twice(tmp_path: Path) -> None:
    await _survives(
        tmp_path, kills=int(os.environ.get("LIANPEI_KILLS", "1000")), seed=random.SystemRandom().randrange(10**6)
    )
