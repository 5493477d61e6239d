"""Two gateways on one database: ``kill -9`` one, and the other takes up its bills; nothing is lost or paid twice."""

import asyncio
from pathlib import Path

from support.house import House
from support.load import Load
from support.pair import Gateways, balanced
from support.postgres import Server
from support.reckoning import Reckoning, reckon

from gateway.store.claims_tables import CLAIMS
from gateway.store.postgres import Store


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


async def test_the_other_gateway_takes_up_the_bills_of_one_that_was_killed(
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
