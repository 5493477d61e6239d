"""Three gateways on one database: the same bill at all of them, one that is paused, and each restarted under load while
the tables move forward (cases A10, B10, G2, G7)."""

import asyncio
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.bills import sample_bill
from support.house import House
from support.load import Load
from support.pair import Gateways, balanced
from support.patience import until
from support.postgres import Server
from support.reckoning import reckon

from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage
from gateway.store.api import AnyStore
from gateway.store.claims_tables import CLAIMS
from gateway.store.postgres import Store
from gateway.store.tables import INT, TEXT, Table

pytestmark = pytest.mark.heavy

_GROWN = ("bill", "claim", "act", "message", "lease")


def _next(table: Table) -> Table:
    if table.name not in _GROWN:
        return table
    return replace(table, columns={**table.columns, "next_word": TEXT}, sparse=(*table.sparse, "next_word"))


_NEW = Table("next_table", {"name": TEXT, "at": INT}, key=("name",))
NEXT = replace(CLAIMS, version=CLAIMS.version + 1, tables=(*map(_next, CLAIMS.tables), _NEW))
"""What a next version may do: new columns without a rule, new indexes, new tables."""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, postgres_server: Server) -> Iterator[Gateways]:
    """For all tests here; the payment channel's books are those of the load's bills, so the load is played once."""
    gateways = Gateways(tmp_path_factory.mktemp("three"), postgres_server.new_database(), 3)
    try:
        gateways.start()
        yield gateways
    finally:
        gateways.stop()


async def _living(store: AnyStore) -> int:
    now = int(time.time() * 1000)
    rows = await store.read(store.find, "lease", {"until": (">", now)}, order_by="until")
    return sum(row["name"].startswith("node:") for row in rows)


async def test_three_gateways_restarted_one_after_the_other_under_load_lose_and_double_nothing(
    three: Gateways,
) -> None:
    store = Store.open(three.stage.database, CLAIMS)
    async with balanced(three), House(three.stage) as house:
        load = Load(house)
        counters = asyncio.create_task(load.run(60))
        living: list[int] = []
        loop = asyncio.get_running_loop()

        def look() -> None:
            living.append(asyncio.run_coroutine_threadsafe(_living(store), loop).result(10))

        for number in range(3):
            await asyncio.sleep(0.5)
            assert await asyncio.to_thread(three.renew, number, look) == 0
        load.enough.set()
        await counters
        result = await reckon(house, load)
    await store.close()
    print(result)
    assert result.wrong == []
    assert result.decided == result.bills >= 24
    assert result.open_with_reason == []
    assert living == [2, 2, 2], "who has left holds a lease"


async def test_b10_a_stop_with_an_open_bill_tells_the_counter_and_the_next_gateway_ends_it_at_once(
    three: Gateways,
) -> None:
    """The insurer answers after 12 seconds: longer than the grace of a stop. The lease alone would cost ten more."""
    async with balanced(three), House(three.each[0]) as first, House(three.each[1]) as second:
        await first.script("ant", "report", "delay", seconds=12)
        bill = sample_bill("ant")
        asked = asyncio.create_task(first.submit(bill, wait=30))
        await asyncio.sleep(1)
        stopping = asyncio.create_task(asyncio.to_thread(three.renew, 0))
        answer = await asked
        assert answer.status == 202
        assert await stopping == 0
        final = await second.decided(answer.document["order_id"])
        books = await second.settlements("ant", bill)
    assert final.document["approved_fen"] > 0
    assert [one["times_applied"] for one in books] == [1]


async def test_a10_fifty_identical_requests_at_three_gateways_are_one_intent_and_one_settlement(
    three: Gateways,
) -> None:
    bill = sample_bill("package")
    async with balanced(three), House(three.stage) as house:
        before = await _settles(house)
        async with House(three.each[0]) as first, House(three.each[1]) as second, House(three.each[2]) as third:
            doors = (first, second, third)
            answers = await asyncio.gather(*(doors[number % 3].submit(bill) for number in range(50)))
            final = (await first.decided(answers[0].document["order_id"])).document
        sent, books = await _settles_since(house, before), await house.settlements("package", bill)
    store = Store.open(three.stage.database, CLAIMS)
    bills = await store.read(store.find, "bill", {"hospital": "H99990100001", "idem_key": bill.key})
    await store.close()
    assert {answer.status for answer in answers} <= {200, 202, 409}
    assert {answer.document["order_id"] for answer in answers if answer.status != 409} == {final["order_id"]}
    assert len(bills) == 1
    assert sent == 1
    assert [(one["times_applied"], one["amount_fen"]) for one in books] == [(1, final["approved_fen"])]


async def _settles(house: House) -> list[dict[str, Any]]:
    """The newest settling messages; those of the load before are more than an insurer keeps."""
    return [one for one in await house.received("package", last=1000) if one["op"] == "S291"]


async def _settles_since(house: House, before: list[dict[str, Any]]) -> int:
    now = await _settles(house)
    return len(now) - (now.index(before[-1]) + 1 if before else 0)


async def test_g2_who_was_paused_beyond_its_lease_finishes_nothing_that_another_took_over(three: Gateways) -> None:
    """SIGSTOP while the settling act is out; the next gateway asks, decides; SIGCONT, and the late write is refused."""
    bill = sample_bill("package")
    paused = three.each[0]
    async with balanced(three), House(paused) as first, House(three.each[1]) as second:
        before = await _settles(second)
        await second.script("package", "S291", "delay", seconds=1)
        asked = asyncio.create_task(first.submit(bill, wait=20))
        await until(lambda: _has_more_settles(second, before))
        paused.processes["gateway"].send_signal(signal.SIGSTOP)
        try:
            order_id = await _order_of(three, bill.key)
            final = await second.decided(order_id)
        finally:
            paused.processes["gateway"].send_signal(signal.SIGCONT)
        answer = await asked
        stopped = three.each[0].home / "gateway.log"
        await until(lambda: _says(stopped, order_id), 15)
        told = [event["kind"] for event in await first.events() if event["order_id"] == order_id]
        later = await first.order(order_id)
        books = await second.settlements("package", bill)
        sent = await _settles_since(second, before)
    assert final.document["claims"][0]["outcome"] == "paid"
    assert later.body == final.body
    assert told.count("decided") == 1
    assert answer.status in (200, 202)
    assert answer.document["order_id"] == order_id
    assert sent == 1
    assert [one["times_applied"] for one in books] == [1]


async def _says(log: Path, order_id: str) -> bool:
    """That who was paused stopped working on this order, because a commit of it was refused."""
    lines = (await asyncio.to_thread(log.read_text, "utf-8")).splitlines()
    return any("bill-stopped" in line and order_id in line and "stale" in line for line in lines)


async def _has_more_settles(house: House, before: list[dict[str, Any]]) -> bool:
    return await _settles_since(house, before) > 0


async def test_g7_gateways_go_on_while_the_tables_of_the_next_version_are_made_under_them(three: Gateways) -> None:
    """The last one with these three: their database is of the next version then."""
    made = asyncio.Event()

    async def counter(house: House) -> int:
        done = 0
        while not made.is_set() or done < 2:
            bill = sample_bill("package")
            final = await house.settle(bill)
            booked = [one for one in await house.settlements("package", bill) if one["state"] == "settled"]
            assert sum(one["amount_fen"] for one in booked) == final["approved_fen"]
            done += 1
        return done

    async with balanced(three), House(three.stage) as house:
        counters = asyncio.gather(*(counter(house) for _ in range(6)))
        await asyncio.sleep(0.5)
        await (await asyncio.to_thread(Store.open, three.stage.database, NEXT)).close()
        made.set()
        assert sum(await counters) >= 12


async def _order_of(three: Gateways, key: str) -> str:
    store = Store.open(three.stage.database, CLAIMS)
    [row] = await store.read(store.find, "bill", {"hospital": "H99990100001", "idem_key": key})
    await store.close()
    return str(row["order_id"])


@pytest.mark.long
async def test_b10_sixty_four_bills_in_flight_at_a_stop_are_all_decided_after_the_next_start(tmp_path: Path) -> None:
    with Stage(tmp_path, free_ports(), tmp_path / "keys") as stage:
        stage.ready()
        async with House(stage) as house:
            await house.script("package", "*", "delay", seconds=3, times=1000)
            load = Load(house, workers=64, insurers=("package",))
            counters = asyncio.create_task(load.run(60))
            await asyncio.sleep(0.2)
            load.enough.set()
            await asyncio.sleep(1.5)
            process = stage.processes["gateway"]
            process.terminate()
            assert await asyncio.to_thread(process.wait, 30) == 0
            await asyncio.to_thread(stage.start, "gateway")
            await house.script("package", "*", "delay", seconds=0, times=1)
            await counters
            result = await reckon(house, load)
    assert result.wrong == []
    assert result.decided == result.bills == 64
