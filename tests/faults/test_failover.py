"""The primary is killed and its synchronous standby promoted, with real servers: what was acknowledged is there."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.house import House
from support.load import Load
from support.pair import Gateways, balanced
from support.postgres import Server
from support.reckoning import reckon

from gateway.store.claims_tables import CLAIMS
from gateway.store.errors import Duplicate, StaleWrite, StoreFailed
from gateway.store.postgres import Store
from gateway.store.unit import Unit

pytestmark = pytest.mark.heavy


@dataclass
class Two:
    primary: Server
    standby: Server

    def fail_over(self) -> None:
        self.primary.kill()
        self.standby.promote()


@pytest.fixture
def two() -> Iterator[Two]:
    primary = Server()
    servers = [primary]
    try:
        servers.append(Server(primary))
        primary.wait_for_standby()
        yield Two(*servers)
    finally:
        for server in servers:
            server.close()


@dataclass
class Writer:
    """Writes intents one after the other. In doubt it reads back by id, as the gateway does, and never writes blindly."""

    store: Store
    name: str
    acknowledged: list[str] = field(default_factory=list)
    in_doubt: int = 0
    there_after_all: int = 0

    async def run(self, enough: asyncio.Event) -> None:
        number = 0
        while not enough.is_set():
            act_id = f"{self.name}-{number:06}"
            try:
                await self._write(act_id)
            except StoreFailed:
                self.in_doubt += 1
                await self._settle(act_id)
            self.acknowledged.append(act_id)
            number += 1

    async def _write(self, act_id: str) -> None:
        told = {"order_id": "o", "hospital": "h", "kind": "k"}
        await self.store.commit(
            Unit().insert("act", act_id=act_id, claim_id="c").insert("event", event_id=act_id, at=1, **told)
        )

    async def _settle(self, act_id: str) -> None:
        while True:
            try:
                if await self.store.read(self.store.get, "act", claim_id="c", act_id=act_id):
                    self.there_after_all += 1
                else:
                    await self._write(act_id)
                return
            except StoreFailed:
                await asyncio.sleep(0.1)


async def test_b7_a_failover_amid_commits_loses_nothing_acknowledged_and_doubles_no_intent(two: Two) -> None:
    store = Store.open(two.primary.url_with(two.standby), CLAIMS)
    writers, enough = [Writer(store, f"w{number}") for number in range(8)], asyncio.Event()
    running = asyncio.gather(*(writer.run(enough) for writer in writers))
    await asyncio.sleep(0.5)
    before = sum(len(writer.acknowledged) for writer in writers)
    await asyncio.to_thread(two.fail_over)
    async with asyncio.timeout(40):
        while not store.ready or sum(len(writer.acknowledged) for writer in writers) < before + 80:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        enough.set()
        await running
    acknowledged = [act_id for writer in writers for act_id in writer.acknowledged]
    acts = await store.read(store.find, "act", {"claim_id": "c"}, limit=10_000)
    events = await store.read(store.find, "event", {}, limit=10_000)
    await store.close()
    assert before > 8
    assert sum(writer.in_doubt for writer in writers) > 0, "no commit was in doubt, so nothing was tried"
    assert sorted(act["act_id"] for act in acts) == sorted(acknowledged)
    assert sorted(event["event_id"] for event in events) == sorted(acknowledged)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


async def test_b8_a_standby_that_lags_is_never_read_and_nothing_goes_backwards_when_it_is_promoted(two: Two) -> None:
    store = Store.open(two.standby.url_with(two.primary), CLAIMS)
    key: dict[str, str] = {"order_id": "o"}
    await store.commit(Unit().insert("bill", **key, hospital="h", idem_key="k", state="pending", version=1))
    two.standby.execute("SELECT pg_wal_replay_pause()")
    await store.commit(Unit().update("bill", key, expect={"version": 1}, version=2, state="decided"))
    seen = [(await store.read(store.get, "bill", **key) or {})["version"] for _ in range(8)]
    await asyncio.to_thread(two.fail_over)
    async with asyncio.timeout(40):
        while True:
            try:
                stale = Unit().update("bill", key, expect={"version": 1}, version=2, state="pending")
                with pytest.raises(StaleWrite):
                    await store.commit(stale)
                break
            except StoreFailed:
                await asyncio.sleep(0.1)
        with pytest.raises(Duplicate):
            await store.commit(Unit().insert("bill", **key, hospital="h", idem_key="k"))
    after = await store.read(store.get, "bill", **key)
    await store.close()
    assert seen == [2] * 8
    assert after is not None
    assert (after["version"], after["state"]) == (2, "decided")


@pytest.mark.long
async def test_b7_gateways_live_through_a_failover_under_load(tmp_path: Path, two: Two) -> None:
    two.primary.execute("CREATE DATABASE house")
    gateways = Gateways(tmp_path, two.primary.url_with(two.standby, "house"), 2)
    try:
        await asyncio.to_thread(gateways.start)
        async with balanced(gateways), House(gateways.stage) as house:
            load = Load(house)
            counters = asyncio.create_task(load.run(120))
            await asyncio.sleep(3)
            await asyncio.to_thread(two.fail_over)
            await asyncio.sleep(5)
            load.enough.set()
            await counters
            result = await reckon(house, load)
        print(result)
        assert result.wrong == []
        assert any(503 in one.refused for one in load.sent), "nobody was turned away, so nothing was tried"
        assert result.decided == result.bills
        assert result.open_with_reason == []
    finally:
        await asyncio.to_thread(gateways.stop)
