"""A host's clock that jumps by hours makes no “not found” final and strands no bill (found by seeded worlds)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.insurer_double import Parlour, parlour

from gateway.claims.canonical.dispatch import ActView
from gateway.claims.clock_watch import ClockWatch
from gateway.claims.conversation.pacing import Sightings
from gateway.claims.conversation.resolver import Resolver
from gateway.store.api import Row
from gateway.store.unit import Unit


@dataclass
class Clock:
    """``wall`` may be set by anybody, ``passed`` is what really passed; seconds."""

    wall: float = 0.0
    passed: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 7, 1, tzinfo=UTC) + timedelta(seconds=self.wall + self.passed)

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return self.passed


def act(clock: Clock) -> ActView:
    return ActView(act_id="act_1", name="settle", sent_at=clock.now(), serial=1)


def test_an_act_is_settled_after_its_time_and_not_after_a_jump() -> None:
    clock = Clock()
    sightings, sent = Sightings(clock), act(clock)
    sightings.since("act_1")

    clock.wall += 3600
    assert not sightings.is_settled(sent, 8.0)
    clock.passed += 7.9
    assert not sightings.is_settled(sent, 8.0)
    clock.passed += 0.2
    assert sightings.is_settled(sent, 8.0)


def test_an_act_that_a_wrong_clock_put_into_the_future_waits_no_longer_than_others() -> None:
    clock = Clock(wall=3600.0)
    sightings, sent = Sightings(clock), act(clock)
    sightings.since("act_1")
    clock.wall = 0.0

    clock.passed += 7.9
    assert not sightings.is_settled(sent, 8.0)
    clock.passed += 0.2
    assert sightings.is_settled(sent, 8.0)


def test_a_repeat_begins_the_time_anew() -> None:
    """It has the act's own id and time, and may be under way longer than the process that sent it lives."""
    clock = Clock()
    sightings, sent = Sightings(clock), act(clock)
    sightings.since("act_1")
    clock.passed += 60

    sightings.sent("act_1")
    assert not sightings.is_settled(sent, 8.0)
    assert not Sightings(clock).is_settled(sent, 8.0), "a process that has just started waits too"


def test_a_long_settling_time_is_not_waited_for_by_each_process_again() -> None:
    clock = Clock()
    sent = act(clock)
    clock.passed += 86_400
    started_anew = Sightings(clock)
    started_anew.since("act_1")

    clock.passed += 601
    assert started_anew.is_settled(sent, 86_400.0)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    made = parlour(tmp_path / "claims.db")
    yield made
    await made.room.store.close()


async def test_an_alarm_that_a_wrong_clock_set_is_looked_at_when_the_clock_is_right_again(
    house: Parlour, monkeypatch: pytest.MonkeyPatch
) -> None:
    bill = await house.decided()
    an_hour = house.room.clock.epoch_ms() + 3_600_000
    await house.room.store.commit(Unit().update("bill", {"order_id": bill.order_id}, look_at=an_hour))
    clock, looked = Clock(wall=3600.0), list[str]()
    monkeypatch.setattr(house.engine.ledger, "watch", ClockWatch(clock))
    monkeypatch.setattr("gateway.claims.conversation.resolver._EVERY_S", 0.0)
    monkeypatch.setattr(type(house.engine), "resume", lambda _, order_id: looked.append(order_id))
    rounds: list[list[str]] = []

    async def nothing_is_due(_: Resolver) -> list[Row]:
        rounds.append(list(looked))
        looked.clear()
        clock.wall = 0.0
        if len(rounds) == 4:
            raise InterruptedError
        return []

    monkeypatch.setattr(Resolver, "due", nothing_is_due)
    with pytest.raises(InterruptedError):
        await Resolver(house.engine).run()

    assert rounds == [[bill.order_id], [bill.order_id], [], []], "at the start, and once after the jump"
    assert b"lianpei_clock_jumps_total 1.0" in house.engine.metrics.render()[0]


def test_a_clock_that_told_an_alarm_while_it_was_wrong_was_set_even_when_it_is_right_again() -> None:
    clock = Clock()
    watch = ClockWatch(clock)

    clock.wall = 3600.0
    watch.note(clock.epoch_ms())
    clock.wall = 0.0

    assert watch.was_set()
    assert not watch.was_set(), "once"


def test_a_clock_that_told_nobody_a_wrong_time_or_is_merely_kept_right_was_not_set() -> None:
    clock = Clock()
    watch = ClockWatch(clock)
    for _ in range(10):
        clock.passed += 60.0
        clock.wall += 4.0
        watch.note(clock.epoch_ms())
        assert not watch.was_set()

    clock.wall += 3600.0
    clock.wall -= 3600.0
    assert not watch.was_set()


async def test_every_alarm_that_a_bill_gets_is_seen_by_the_watch(
    house: Parlour, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[int] = []
    monkeypatch.setattr(house.engine.ledger.watch, "note", noted.append)

    await house.decided()

    assert noted


async def test_what_wakes_a_bill_does_not_go_by_the_clock_of_who_wakes_it(
    house: Parlour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that works on it may have another clock."""
    bill = await house.decided()
    monkeypatch.setattr(type(house.engine.ledger), "elsewhere", lambda *_: True)
    monkeypatch.setattr(house.room.clock, "epoch_ms", lambda: 4_000_000_000_000)

    await house.engine.wake(bill.order_id)

    monkeypatch.undo()
    due = house.room.store.find("bill", {"look_at": ("<=", house.room.clock.epoch_ms())})
    assert [row["order_id"] for row in due] == [bill.order_id]
