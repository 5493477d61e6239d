"""Webhooks on either store: every event comes once under its id, in a bill's order, whatever the receiver does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from support.delivering import FAST, HOSPITAL, SECRET, at_work, becomes, endpoint, happens, office_on, states
from support.patience import until
from support.postgres import Server
from support.receiver import Receiver

from gateway.claims.delivery.lane import Ladder, Lane
from gateway.claims.delivery.office import Office
from gateway.claims.delivery.rows import Rows
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import Conflict, NotFound
from gateway.store.api import AnyStore
from gateway.store.claims_tables import CLAIMS
from gateway.store.errors import StoreFailed
from gateway.store.postgres import Store as SharedStore
from gateway.store.sqlite import Store
from gateway.store.unit import Unit
from gateway.telemetry.delivery_metrics import DeliveryMetrics


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: Any, tmp_path: Path) -> AsyncIterator[AnyStore]:
    if request.param == "sqlite":
        opened: AnyStore = Store.open(tmp_path / "claims.db", CLAIMS)
    else:
        server: Server = request.getfixturevalue("postgres_server")
        opened = SharedStore.open(server.url("postgres"), server.new_schema(CLAIMS))
    yield opened
    await opened.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as open_receiver:
        yield open_receiver


async def test_every_event_is_brought_once_signed_and_without_anything_of_the_patient(
    store: AnyStore, receiver: Receiver
) -> None:
    office, _ = office_on(store, endpoint(receiver))
    async with at_work(office):
        orders = [await happens(store) for _ in range(20)]
        await becomes(store, {"delivered": 20})

    assert sorted(one.order_id for one in receiver.came) == sorted(orders)
    assert len(set(receiver.ids)) == 20
    assert all(one.is_good(SECRET) for one in receiver.came)
    assert set(receiver.came[0].document) == {"type", "timestamp", "data"}
    assert receiver.came[0].document["type"] == "decided"


async def test_what_happened_before_the_endpoint_was_set_is_not_brought(store: AnyStore, receiver: Receiver) -> None:
    for _ in range(3):
        await happens(store)
    office, _ = office_on(store, endpoint(receiver))
    async with at_work(office):
        later = await happens(store)
        await receiver.wait_for(1)

    assert [one.order_id for one in receiver.came] == [later]


async def test_a_receiver_that_fails_gets_the_same_bytes_under_the_same_id(store: AnyStore, receiver: Receiver) -> None:
    receiver.answers.extend([500, 503, 302])
    office, _ = office_on(store, endpoint(receiver))
    async with at_work(office):
        await happens(store)
        await becomes(store, {"delivered": 1})

    assert len(receiver.came) == 4, "a redirect is a failure and is not followed"
    assert len({(one.event_id, one.body) for one in receiver.came}) == 1


async def test_a_bills_events_arrive_in_order_while_other_bills_pass(store: AnyStore, receiver: Receiver) -> None:
    office, _ = office_on(store, endpoint(receiver), ladder=Ladder((0.5, 0.5)))
    async with at_work(office):
        receiver.answers.append(500)
        slow = await happens(store, "decided")
        await happens(store, "paid", slow)
        await receiver.wait_for(1)
        other = await happens(store)
        await becomes(store, {"delivered": 3})

    seen = [(one.order_id, one.document["type"]) for one in receiver.came]
    assert [kind for order, kind in seen if order == slow] == ["decided", "decided", "paid"]
    assert (other, "decided") in seen


async def test_at_the_ladders_end_an_event_is_given_up_and_re_sent_on_demand(
    store: AnyStore, receiver: Receiver
) -> None:
    receiver.always = 500
    office, _ = office_on(store, endpoint(receiver), ladder=Ladder((0.01, 0.01)))
    async with at_work(office):
        await happens(store)
        await becomes(store, {"given_up": 1})
        tried = len(receiver.came)
        receiver.always = 200
        await office.resend(receiver.ids[0], HOSPITAL)
        await becomes(store, {"delivered": 1})
        await office.resend(str(receiver.came[0].document["data"]["seq"]))
        await receiver.wait_for(tried + 2)

    assert tried == 3
    assert set(receiver.ids) == {receiver.ids[0]}


async def test_an_endpoint_that_fails_long_is_disabled_and_serves_again_when_enabled(
    store: AnyStore, receiver: Receiver
) -> None:
    receiver.always = 500
    ladder = Ladder((0.01,) * 100, disable_after_s=0.1)
    office, _ = office_on(store, endpoint(receiver), ladder=ladder)
    async with at_work(office):
        await happens(store)
        await until(lambda: _is_disabled(office))
        tried = len(receiver.came)
        assert (await store.read(office.figures))[3] == 1
        receiver.always = 200
        await asyncio.sleep(0.1)
        assert len(receiver.came) == tried, "nothing goes to a disabled endpoint"
        await office.enable(HOSPITAL)
        await becomes(store, {"delivered": 1})


async def _is_disabled(office: Office) -> bool:
    return bool((await office.overview())[0]["state"] == "disabled")


async def test_gone_disables_at_once(store: AnyStore, receiver: Receiver) -> None:
    receiver.answers.append(410)
    office, _ = office_on(store, endpoint(receiver))
    async with at_work(office):
        await happens(store)
        await until(lambda: _is_disabled(office))
    assert len(receiver.came) == 1
    assert await states(store) == {"waiting": 1}


async def test_after_a_failure_everything_that_failed_goes_as_soon_as_the_receiver_is_back(
    store: AnyStore, receiver: Receiver
) -> None:
    await receiver.close()
    office, _ = office_on(store, endpoint(receiver), ladder=Ladder((0.2, 3600)))
    async with at_work(office):
        for _ in range(6):
            await happens(store)
        await asyncio.sleep(1)
        await receiver.open()
        await becomes(store, {"delivered": 6})
    assert len(receiver.came) == 6


async def test_one_slow_receiver_does_not_delay_another(store: AnyStore, receiver: Receiver) -> None:
    async with Receiver() as quick:
        receiver.answers.extend([5.0] * 8)
        office, _ = office_on(store, endpoint(receiver), endpoint(quick, "H99990100002"))
        async with at_work(office):
            for _ in range(8):
                await happens(store)
                await happens(store, hospital="H99990100002")
            await quick.wait_for(8, seconds=4)
            assert len(receiver.came) < 8


async def test_two_offices_bring_no_event_lost_and_repeats_only_under_the_same_id(
    store: AnyStore, receiver: Receiver
) -> None:
    """As when a process lost its lease without noticing."""
    first, _ = office_on(store, endpoint(receiver))
    second, _ = office_on(store, endpoint(receiver))
    async with at_work(first), at_work(second):
        orders = [await happens(store) for _ in range(10)]
        await becomes(store, {"delivered": 10})

    assert {one.order_id for one in receiver.came} == set(orders)
    assert len(set(receiver.ids)) == 10


async def test_only_the_kinds_that_are_wanted_come_and_only_one_s_own(store: AnyStore, receiver: Receiver) -> None:
    office, _ = office_on(store, endpoint(receiver, events=frozenset({"paid"})))
    async with at_work(office):
        await happens(store, "decided")
        order = await happens(store, "paid")
        await happens(store, "paid", hospital="H99990100002")
        await receiver.wait_for(1)
        await asyncio.sleep(0.2)
    assert [one.order_id for one in receiver.came] == [order]


async def test_an_address_inside_the_house_is_never_called(store: AnyStore, receiver: Receiver) -> None:
    inside = endpoint(receiver, networks=())
    office, _ = office_on(store, inside, ladder=Ladder((0.01,)))
    async with at_work(office):
        await happens(store)
        await becomes(store, {"given_up": 1})
    assert receiver.came == []


async def test_a_resend_names_an_own_event_and_an_endpoint(store: AnyStore, receiver: Receiver) -> None:
    office, _ = office_on(store, endpoint(receiver))
    await Rows(store, SystemClock()).know([HOSPITAL])
    await happens(store, hospital="H99990100002")

    with pytest.raises(NotFound):
        await office.resend("1", HOSPITAL)
    with pytest.raises(Conflict):
        await office.resend("1")
    with pytest.raises(NotFound):
        await office.resend("evt_nobody", HOSPITAL)


async def test_a_resend_has_the_bytes_that_went_out_before_whatever_the_bill_became(
    store: AnyStore, receiver: Receiver
) -> None:
    """Found by seeded worlds: the same event id told two contents."""
    office, _ = office_on(store, endpoint(receiver))
    async with at_work(office):
        order = await happens(store)
        [first] = await receiver.wait_for(1)
        await becomes(store, {"delivered": 1})
        await store.commit(Unit().update("bill", {"order_id": order}, state="reversed"))
        await office.resend(first.event_id, HOSPITAL)
        await receiver.wait_for(2)
        await becomes(store, {"delivered": 1})
        await office.resend(str(first.document["data"]["seq"]), HOSPITAL)
        came = await receiver.wait_for(3)

    assert {one.body for one in came} == {first.body}


@dataclass
class WrongClock(SystemClock):
    ahead_ms: int = 0

    def epoch_ms(self) -> int:
        return super().epoch_ms() + self.ahead_ms


async def test_a_clock_that_was_an_hour_ahead_delays_no_repeat(store: AnyStore, receiver: Receiver) -> None:
    """Found by seeded worlds: its next attempt, too, was an hour away."""
    clock = WrongClock(ahead_ms=3_600_000)
    receiver.answers.append(500)
    office, _ = office_on(store, endpoint(receiver), ladder=Ladder((1, 1)), clock=clock)
    async with at_work(office):
        await happens(store)
        await receiver.wait_for(1)
        clock.ahead_ms = 0
        await becomes(store, {"delivered": 1}, seconds=9)
    assert len(receiver.came) == 2


async def test_a_recovery_by_a_clock_that_was_ahead_does_not_use_up_the_ladder(
    store: AnyStore, receiver: Receiver
) -> None:
    """What failed afterwards counted as older than the recovery, and was due again at once each time."""
    clock = WrongClock()
    lane = Lane(endpoint(receiver), Rows(store, clock), Ladder((60,) * 3), DeliveryMetrics(CollectorRegistry()))
    lane.recovered_at = clock.epoch_ms() + 3_600_000
    receiver.always = 500
    await lane.rows.know([HOSPITAL])
    await happens(store)
    await lane.rows.fan_out({HOSPITAL: lane.endpoint})

    for _ in range(3):
        await lane.round()
    await lane.endpoint.close()

    assert len(receiver.came) == 1


async def test_a_database_that_is_away_for_a_moment_ends_no_lane(
    store: AnyStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by seeded worlds: what failed was forgetting what was delivered long ago."""

    async def away(*_: object) -> None:
        raise StoreFailed("away")

    monkeypatch.setattr(Rows, "forget_taken", away)
    rows = Rows(store, SystemClock())
    lane = Lane(endpoint(receiver), rows, FAST, DeliveryMetrics(CollectorRegistry()))
    await rows.know([HOSPITAL])
    await happens(store)
    await rows.fan_out({HOSPITAL: lane.endpoint})

    await lane.run()
    await lane.endpoint.close()

    assert await states(store) == {"delivered": 1}
