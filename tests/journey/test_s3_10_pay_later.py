"""The pay-later day with a clock that only the test turns: push 20:00, deduct 22:00, three days, then the default record."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from support.payroom import SteppedClock, Street, street, until

from gateway.kernel.clock import SHANGHAI
from gateway.payment.schedule import Schedule, end_of_next_day
from gateway.store.unit import Unit

WISH = {"score_passed": 1, "payer_token": "user-1"}


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Street]:
    clock = SteppedClock()
    clock.to(5, 10)
    async with street(tmp_path, clock) as opened:
        yield opened


async def scheduled(road: Street, **wish: object) -> str:
    order_id = await road.bill(5686, timing="POST_POST", **(WISH | wish))
    await road.ends(order_id, "scheduled", "CREDIT")
    return order_id


async def at(road: Street, day: int, hour: int, minute: int, state: str, attempt: int | None) -> None:
    """Turn the clock, and wait until the one order is in this state."""
    road.clock.to(day, hour, minute)
    await until(
        lambda: [(row["state"], row["attempt"]) for row in road.orders()] == [(state, attempt)],
        told=lambda: str(road.orders()),
    )


async def pushes(road: Street) -> list[str]:
    return [json.loads(base64.b64decode(one["body"]))["status"] for one in await road.seen() if one["op"] == "push"]


async def test_s3_10_told_at_eight_deducted_at_ten(road: Street) -> None:
    order_id = await scheduled(road)
    road.clock.to(5, 19, 59)
    await at(road, 5, 20, 0, "pushed", None)
    await at(road, 5, 21, 59, "pushed", None)
    await at(road, 5, 22, 0, "paid", None)
    await road.ends(order_id, "paid", "CREDIT")

    assert await pushes(road) == ["DUE"]
    assert [one["times_applied"] for one in await road.books()] == [1]


async def test_s3_10_three_days_then_a_warning_then_the_default_record(road: Street) -> None:
    order_id = await scheduled(road, payer_token="EMPTY-1")
    await at(road, 5, 20, 0, "pushed", None)
    await at(road, 5, 22, 0, "scheduled", 2)
    await at(road, 6, 20, 0, "pushed", 2)
    await at(road, 6, 22, 0, "scheduled", 3)
    await at(road, 7, 20, 0, "warned", 3)
    await road.ends(order_id, "warned", "CREDIT")
    await at(road, 7, 22, 0, "warned", 4)
    road.clock.to(7, 23, 59)
    await at(road, 8, 0, 0, "defaulted", 4)
    await road.ends(order_id, "defaulted", "CREDIT")

    assert await pushes(road) == ["DUE", "DUE", "LAST"]
    assert road.events(order_id) == ["payment-warned", "payment-defaulted"]
    assert road.room.store.count("payer_default", {"payer_token": "EMPTY-1"}) == 1


async def test_who_defaulted_pays_first_the_next_time(road: Street) -> None:
    unit = Unit()
    unit.insert("payer_default", payer_token="user-1", settlement_id="stl_x", at=1)
    await road.room.store.commit(unit)
    order_id = await road.bill(5686, timing="POST_POST", **WISH)
    await road.ends(order_id, "paid")

    assert (road.state(order_id, "CREDIT"), road.reason(order_id)) == ("refused", "credit-default")


async def test_money_that_comes_on_the_second_day_ends_it(road: Street) -> None:
    order_id = await scheduled(road, payer_token="EMPTY1-1")
    await at(road, 5, 20, 0, "pushed", None)
    await at(road, 5, 22, 0, "scheduled", 2)
    await at(road, 6, 20, 0, "pushed", 2)
    await at(road, 6, 22, 0, "paid", 2)
    await road.ends(order_id, "paid", "CREDIT")


async def test_a_deduction_whose_answer_is_lost_is_never_a_default(road: Street) -> None:
    """Unknown over the deadline of the last day: asked until known, and only then judged."""
    await scheduled(road, payer_token="EMPTY2-1")
    await at(road, 5, 20, 0, "pushed", None)
    await at(road, 5, 22, 0, "scheduled", 2)
    await at(road, 6, 20, 0, "pushed", 2)
    await at(road, 6, 22, 0, "scheduled", 3)
    await at(road, 7, 20, 0, "warned", 3)
    await road.script("order", "lose_answer")
    await road.script("enquiry", "error500")
    await at(road, 7, 22, 0, "unknown", 3)
    road.clock.to(8, 0, 5)
    await until(lambda: _tick(road) and road.orders()[0]["state"] == "paid")

    assert road.room.store.count("payer_default", {}) == 0


async def test_what_waits_for_its_day_survives_a_restart(tmp_path: Path) -> None:
    clock = SteppedClock()
    clock.to(5, 10)
    async with street(tmp_path, clock) as road:
        order_id = await scheduled(road)
    clock.to(5, 20)
    async with street(tmp_path, clock) as again:
        await at(again, 5, 20, 0, "pushed", None)
        await at(again, 5, 22, 0, "paid", None)
        await again.ends(order_id, "paid", "CREDIT")


async def test_a_bill_that_is_undone_before_the_deduction_is_called_off(road: Street) -> None:
    """The patient cancels a prescription that was never performed: nothing is deducted."""
    order_id = await scheduled(road)
    undo_id = await road.undo(order_id, 5686)
    await until(lambda: _tick(road) and road.leg(undo_id) == ("undone", "never-paid"))
    road.clock.to(5, 22)

    assert road.state(order_id, "CREDIT") == "closed"
    assert await road.books() == []


def _tick(road: Street) -> bool:
    road.clock.on(0.05)
    return True


async def test_a_bill_paid_another_way_is_not_deducted(road: Street) -> None:
    order_id = await scheduled(road)
    unit = Unit()
    unit.insert("pay_tap", order_id=order_id, channel="deduct", payer_token="acct-1", at=1)
    await road.store.commit(unit)
    await road.errand("pay", order_id)
    await road.ends(order_id, "paid", "SELF_PAY:deduct")
    await road.ends(order_id, "closed", "CREDIT")

    assert await road.books() == []


@pytest.mark.parametrize(
    ("hour", "minute", "score", "reason"), [(17, 30, 1, "credit-too-late"), (9, 0, 0, "credit-score")]
)
async def test_the_gate_asks_for_the_score_and_half_past_five_else_the_patient_pays_now(
    road: Street, hour: int, minute: int, score: int, reason: str
) -> None:
    road.clock.to(5, hour, minute)
    order_id = await road.bill(5686, timing="POST_POST", **(WISH | {"score_passed": score}))
    await road.ends(order_id, "paid")

    assert road.reason(order_id) == reason


async def test_a_minute_before_half_past_five_it_is_paid_later(road: Street) -> None:
    road.clock.to(5, 17, 29)
    await scheduled(road)


@pytest.mark.parametrize(
    ("now", "push"),
    [("05T19:59", "05T20:00"), ("05T20:00", "06T20:00"), ("05T00:00", "05T20:00"), ("31T23:59", "01T20:00")],
)
def test_the_next_push_is_the_next_evening_of_shanghai(now: str, push: str) -> None:
    moment = datetime.fromisoformat(f"2025-03-{now}").replace(tzinfo=SHANGHAI)
    found = Schedule().next_push(moment.astimezone(UTC))

    assert found.strftime("%dT%H:%M") == push
    assert found > moment


def test_the_schedule_is_a_setting() -> None:
    schedule = Schedule(time(9), time(9, 30), 1)
    now = datetime(2025, 3, 5, 8, tzinfo=SHANGHAI)

    assert schedule.is_last(1)
    assert schedule.deduction(schedule.next_push(now)) - schedule.next_push(now) == timedelta(minutes=30)
    assert schedule.deadline(now).isoformat() == "2025-03-06T00:00:00+08:00"


def test_a_payout_is_due_at_the_end_of_the_next_day() -> None:
    assert end_of_next_day(datetime(2025, 3, 5, 1, tzinfo=SHANGHAI)).isoformat() == "2025-03-07T00:00:00+08:00"
