"""Leases, on either store: one holder at a time, free again when the holder leaves or is heard of no more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.postgres import Server

from gateway.kernel.errors import NotSent
from gateway.store.api import AnyStore
from gateway.store.claims_tables import CLAIMS
from gateway.store.leases import TTL_MS, Leases
from gateway.store.postgres import Store as PostgresStore
from gateway.store.sqlite import Store


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1_000_000

    def epoch_ms(self) -> int:
        return self.at

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at / 1000, UTC)

    def monotonic(self) -> float:
        return self.at / 1000


@pytest.fixture(params=["postgres", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyStore]:
    opened: AnyStore
    if request.param == "sqlite":
        opened = Store.open(tmp_path / "claims.db", CLAIMS)
    else:
        server: Server = request.getfixturevalue("postgres_server")
        opened = PostgresStore.open(server.url("postgres"), server.new_schema(CLAIMS))
    yield opened
    await opened.close()


async def test_of_many_that_reach_for_a_lease_one_has_it_and_keeps_it(store: AnyStore) -> None:
    clock = Clock()
    everybody = [Leases(store, clock, f"p{number}") for number in range(10)]
    held = await asyncio.gather(*(one.hold("window") for one in everybody))
    assert held.count(True) == 1
    assert await asyncio.gather(*(one.hold("window") for one in everybody)) == held


async def test_a_lease_that_ran_out_goes_to_another_and_not_back(store: AnyStore) -> None:
    clock = Clock()
    first, second = Leases(store, clock, "first"), Leases(store, clock, "second")
    assert await first.hold("window")
    clock.at += TTL_MS - 1
    assert not await second.hold("window")
    clock.at += 1
    assert await second.hold("window")
    assert not await first.hold("window")


async def test_a_lease_that_a_wrong_clock_wrote_does_not_outlast_its_holder(store: AnyStore) -> None:
    """Whoever died while its host's clock was an hour ahead is not thought alive for an hour."""
    clock, ahead = Clock(), Clock()
    ahead.at += 3_600_000
    wrong, other = Leases(store, ahead, "wrong"), Leases(store, clock, "other")
    await wrong.hold_node()
    assert await wrong.hold("window")

    assert await store.read(other.gone) == ["wrong"]
    assert await store.read(other.is_mine_to_take, "wrong")
    assert await other.hold("window")

    ahead.at = clock.at
    await wrong.hold_node()
    assert await store.read(other.gone) == [], "its clock is right again"


async def test_who_leaves_frees_what_it_had_at_once(store: AnyStore) -> None:
    clock = Clock()
    first, second = Leases(store, clock, "first"), Leases(store, clock, "second")
    await first.hold_node()
    await first.hold("window")
    assert await store.read(second.gone) == []
    await first.leave()
    assert await second.hold("window")
    assert await store.read(second.gone) == ["first"]


async def test_nobody_counts_as_gone_to_itself_and_the_forgotten_count_no_more(store: AnyStore) -> None:
    clock = Clock()
    first, second = Leases(store, clock, "first"), Leases(store, clock, "second")
    await first.hold_node()
    clock.at += TTL_MS
    assert await store.read(first.gone) == []
    assert await store.read(second.gone) == ["first"]
    await second.forget("first")
    assert await store.read(second.gone) == []


async def test_work_for_one_ends_when_the_lease_is_lost(store: AnyStore) -> None:
    clock, ended = Clock(), asyncio.Event()
    first, second = Leases(store, clock, "first"), Leases(store, clock, "second")

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    alone = asyncio.create_task(first.alone("window", work))
    await asyncio.sleep(0.2)
    assert not await second.hold("window")
    clock.at += TTL_MS
    assert await second.hold("window")
    async with asyncio.timeout(5):
        await ended.wait()
    alone.cancel()


async def test_how_many_live_is_told_so_that_they_share_what_an_insurer_allows(store: AnyStore) -> None:
    clock = Clock()
    everybody = [Leases(store, clock, f"p{number}") for number in range(3)]
    for one in everybody:
        await one.hold_node()
    assert await everybody[0].hold("window")
    together = await store.read(everybody[0].living)
    await everybody[1].leave()
    clock.at += TTL_MS // 2
    await everybody[0].hold_node()
    clock.at += TTL_MS // 2

    assert together == 3
    assert await store.read(everybody[0].living) == 1


async def test_who_stood_still_between_its_commit_and_its_send_sends_nothing(store: AnyStore) -> None:
    """Found by seeded worlds: another process had found the intent, asked about it and sent it."""
    clock = Clock()
    leases, begun = Leases(store, clock, "first"), clock.monotonic()

    clock.at += TTL_MS // 2
    leases.require_awake(begun)
    clock.at += 1
    with pytest.raises(NotSent):
        leases.require_awake(begun)
