"""T+1 is counted by two clocks, in calendar or working days of Shanghai; what is late is told once and closed when paid."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
from support.bills import sample_bill
from support.room import Room, open_room

from gateway.claims.conversation.clocks import ClockName, DayRule
from gateway.claims.conversation.payouts import PayoutWatch, late_payouts
from gateway.kernel.clock import SHANGHAI
from gateway.store.unit import Unit

FRIDAY = datetime(2026, 2, 13, 16, 30, tzinfo=SHANGHAI)
SPRING_FESTIVAL = frozenset(date(2026, 2, day) for day in range(16, 24))
WORKED = frozenset({date(2026, 2, 14)})


@pytest.mark.parametrize(
    ("rule", "last_day"),
    [
        (DayRule(), date(2026, 2, 14)),
        (DayRule(days=2), date(2026, 2, 15)),
        (DayRule(working=True), date(2026, 2, 16)),
        (DayRule(working=True, holidays=SPRING_FESTIVAL), date(2026, 2, 24)),
        (DayRule(working=True, holidays=SPRING_FESTIVAL, workdays=WORKED), date(2026, 2, 14)),
    ],
)
def test_the_money_is_due_by_the_end_of_the_next_day(rule: DayRule, last_day: date) -> None:
    due = rule.due(FRIDAY).astimezone(SHANGHAI)

    assert (due.date() - last_day).days == 1
    assert (due.hour, due.minute) == (0, 0)


def test_a_day_begins_in_shanghai() -> None:
    """23:30 in Shanghai is still that day, though UTC says another hour."""
    late = datetime(2026, 3, 2, 23, 30, tzinfo=SHANGHAI)

    assert DayRule().due(late) == datetime(2026, 3, 4, tzinfo=SHANGHAI)


@dataclass
class Watched:
    room: Room
    watch: PayoutWatch

    async def late(self) -> list[tuple[str, str]]:
        await self.watch.round()
        now = self.room.clock.epoch_ms()
        found = await self.room.store.read(late_payouts, self.room.ledger, now)
        return sorted((one["order_id"], one["clock"]) for one in found)

    async def payout(self, order_id: str, state: str) -> None:
        row = {"order_id": order_id, "kind": "PAYOUT", "settlement_id": f"stl_{order_id}", "amount": 100}
        at = self.room.clock.epoch_ms()
        await self.room.store.commit(Unit().upsert("settlement", **row, state=state, created_at=at, updated_at=at))

    async def told(self, order_id: str) -> int:
        where = {"order_id": order_id, "kind": "payout-late"}
        return len(await self.room.store.read(self.room.store.find, "event", where))


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    room = open_room(tmp_path / "claims.db")
    rules = {ClockName.APPLICATION: DayRule(), ClockName.APPROVAL: DayRule()}
    yield Watched(room, PayoutWatch(room.ledger, rules))
    await room.store.close()


async def test_a_payout_that_is_not_credited_on_the_next_day_is_late_by_both_clocks(watched: Watched) -> None:
    bill = await watched.room.brought(sample_bill("ant"))
    await watched.payout(bill.order_id, "ordered")

    in_time = await watched.late()
    watched.room.clock.days = 2
    late = await watched.late()
    again = await watched.late()

    assert in_time == []
    assert late == again == [(bill.order_id, "application"), (bill.order_id, "approval")]
    assert await watched.told(bill.order_id) == 2


@pytest.mark.parametrize("state", ["failed", "refused", "account", "returned"])
async def test_a_payout_that_came_back_goes_on_being_late(watched: Watched, state: str) -> None:
    bill = await watched.room.brought(sample_bill("ant"))
    await watched.payout(bill.order_id, state)
    watched.room.clock.days = 2

    assert len(await watched.late()) == 2


async def test_what_is_credited_is_late_no_more(watched: Watched) -> None:
    bill = await watched.room.brought(sample_bill("ant"))
    await watched.payout(bill.order_id, "ordered")
    watched.room.clock.days = 2
    await watched.late()
    await watched.payout(bill.order_id, "paid")

    assert await watched.late() == []


async def test_a_direct_pay_bill_has_no_such_clock(watched: Watched) -> None:
    bill = await watched.room.brought(sample_bill("package"))
    await watched.payout(bill.order_id, "ordered")
    watched.room.clock.days = 9

    assert await watched.late() == []
