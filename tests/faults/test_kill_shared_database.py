"""Two gateways on one database: ``kill -9`` one, and the other takes up its bills; nothing is lost or paid twice."""

import asyncio
import os
import random
from pathlib import Path

import pytest
from support.house import House
from support.load import Load
from support.pair import Gateways, balanced
from support.postgres import Server
from support.reckoning import Reckoning, reckon

from gateway.store.claims_tables import CLAIMS
from gateway.store.postgres import Store

pytestmark = pytest.mark.heavy


async def _one_dies(gateways: Gateways) -> Reckoning:
    async with balanced(gateways), House(gateways.stage) as house:
        load = Load(house)
        counters = asyncio.create_task(load.run(60))
        await asyncio.sleep(2)
        await asyncio.to_thread(gateways.each[0].kill, "gateway")
        await asyncio.sleep(1)
        load.enough.set()
        await counters
        return await reckon(house, load)


async def _owners(url: str) -> int:
    """How many gateways worked on bills."""
    store = Store.open(url, CLAIMS)
    found = await store.read(store.tally, "bill", "owner", {})
    await store.close()
    return len(found)


async def test_b2_the_other_gateway_takes_up_the_bills_of_one_that_was_killed(
    tmp_path: Path, postgres_server: Server
) -> None:
    url = postgres_server.new_database()
    gateways = Gateways(tmp_path, url, 2)
    try:
        await asyncio.to_thread(gateways.start)
        result = await _one_dies(gateways)
        print(result)
        assert result.wrong == []
        assert result.bills >= 8
        assert result.resent > 0, "no request was cut, so nothing was tried"
        assert result.decided == result.bills
        assert await _owners(url) == 2
    finally:
        await asyncio.to_thread(gateways.stop)


async def _storm(gateways: Gateways, kills: int, moments: random.Random) -> Reckoning:
    """Whoever is up may be next. Who was killed starts while others are killed, so that now and then nobody is up."""
    async with balanced(gateways), House(gateways.stage) as house:
        load = Load(house)
        counters = asyncio.create_task(load.run())
        starting: dict[int, asyncio.Task[None]] = {}
        for number in range(1, kills + 1):
            await asyncio.sleep(moments.uniform(0.05, 2.0))
            while not (up := [one for one in range(len(gateways.each)) if one not in starting or starting[one].done()]):
                await asyncio.wait(starting.values(), return_when=asyncio.FIRST_COMPLETED)
            hit = moments.choice(up)
            await asyncio.to_thread(gateways.each[hit].kill, "gateway")
            print(f"kill {number}: gateway {hit}, {len(up)} were up, {len(load.sent)} bills so far", flush=True)
            starting[hit] = asyncio.create_task(asyncio.to_thread(gateways.each[hit].start, "gateway"))
        await asyncio.gather(*starting.values())
        load.enough.set()
        await counters
        return await reckon(house, load)


@pytest.mark.long
async def test_b2_two_hundred_kills_of_three_gateways_lose_nothing_and_pay_nothing_twice(
    tmp_path: Path, postgres_server: Server
) -> None:
    gateways, seed = Gateways(tmp_path, postgres_server.new_database(), 3), random.SystemRandom().randrange(10**6)
    print(f"\nseed {seed}")
    try:
        await asyncio.to_thread(gateways.start)
        result = await _storm(gateways, int(os.environ.get("LIANPEI_KILLS", "200")), random.Random(seed))
        print(result)
        assert result.wrong == []
        assert result.resent > 0, "no request was cut, so nothing was tried"
        assert result.decided == result.bills
        assert result.open_with_reason == []
    finally:
        await asyncio.to_thread(gateways.stop)
