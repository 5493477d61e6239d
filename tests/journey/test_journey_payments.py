"""Money on its way through window, payment room and channels, with trouble at every step: never lost, never moved twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.payroom import Street, street, until

from gateway.store.unit import Unit

KNOWN = {"real_name": 1, "local_insured": 1, "payer_token": "acct-1"}


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Street]:
    async with street(tmp_path) as opened:
        yield opened


async def applied(road: Street, channel: str = "pay") -> list[tuple[int, int, str]]:
    return [(one["amount_fen"], one["times_applied"], one["state"]) for one in await road.books(channel)]


async def test_s10_a_late_settlement_gives_back_150_of_20_and_80_and_100(road: Street) -> None:
    """20 + 80 + 100 − 150 = 50."""
    paid = [await road.deposit(yuan * 100) for yuan in (20, 80, 100)]
    order_id = await road.bill(5000, timing="PRE_POST", deposits=" ".join(paid))
    await road.ends(order_id, "paid")
    await until(lambda: sum(row["state"] == "paid" for row in road.rows(order_id)) == 3)

    back = {row["kind"]: row["amount"] for row in road.rows(order_id) if row["original"]}
    assert back == {f"back:{paid[2]}": 10000, f"back:{paid[1]}": 5000}
    books = await road.books()
    kept = sum(one["amount_fen"] - int(one["our_refs"].get("refunded_fen", 0)) for one in books)
    assert kept == 5000
    assert road.events(order_id).count("refunded") == 2


async def test_a_deposit_that_is_too_small_is_used_up_and_the_rest_is_asked_for(road: Street) -> None:
    deposit = await road.deposit(3000)
    order_id = await road.bill(5000, timing="PRE_POST", deposits=deposit)
    await road.ends(order_id, "paid")

    (own,) = road.rows(order_id)
    assert (own["kind"], own["amount"]) == ("SELF_PAY", 2000)
    assert sorted(await applied(road)) == [(2000, 1, "settled"), (3000, 1, "settled")]


async def test_a_deposit_serves_one_bill_only(road: Street) -> None:
    deposit = await road.deposit(3000)
    first = await road.bill(1000, timing="PRE_POST", deposits=deposit)
    await road.ends(first, "paid")
    second = await road.bill(1000, timing="PRE_POST", deposits=deposit)
    await road.ends(second, "paid")

    assert [row["amount"] for row in road.rows(second)] == [1000]


async def test_a_deposit_without_a_bill_goes_back_whole(road: Street) -> None:
    deposit = await road.deposit(3000)
    unit = Unit()
    unit.update("deposit", {"deposit_id": deposit}, used_by=deposit)
    await road.store.commit(unit)
    await road.errand("deposit_back", deposit)
    await road.ends(deposit, "paid", "back")

    assert await applied(road) == [(3000, 0, "refunded")]


LIMITS = [
    ({"channels": "deduct pay", **KNOWN}, 30001, "pay", "limit-per-act"),
    ({"channels": "deduct pay", **KNOWN, "per_act": 100}, 101, "pay", "limit-per-act"),
    ({"channels": "deduct pay", **KNOWN, "real_name": 0}, 100, "pay", "real-name-only"),
    ({"channels": "deduct pay", **KNOWN, "local_insured": 0}, 100, "pay", "local-insured-only"),
    ({"channels": "deduct pay", **KNOWN, "place": "ward"}, 100, "pay", "channel-place"),
    ({"channels": "deduct pay", **KNOWN, "payer_token": ""}, 100, "pay", "payer-token-missing"),
]


@pytest.mark.parametrize(("wish", "amount", "channel", "reason"), LIMITS, ids=lambda value: str(value)[:20])
async def test_a_channel_that_may_not_collect_is_passed_over_with_the_reason(
    road: Street, wish: dict[str, object], amount: int, channel: str, reason: str
) -> None:
    order_id = await road.bill(amount, **wish)
    await road.ends(order_id, "paid")

    (row,) = road.rows(order_id)
    assert (row["channel"], row["reason"]) == (channel, reason)
    assert await road.books("deduct") == []


async def test_the_day_limit_counts_an_unknown_deduction_and_the_next_bill_takes_the_next_rung(road: Street) -> None:
    """300.00 three times is 900.00 with one of them unknown; the fourth would pass 1,000.00 and goes to the other channel."""
    await road.script("order", "lose_answer", channel="deduct")
    await road.script("enquiry", "error500", channel="deduct", times=10_000)
    bills = [await road.bill(30000, channels="deduct pay", **KNOWN) for _ in range(3)]
    await until(lambda: len(road.orders(state="unknown")) == 1 and len(road.orders(state="paid")) == 2)
    fourth = await road.bill(30000, channels="deduct pay", **KNOWN)
    await road.ends(fourth, "paid", "SELF_PAY:pay")

    assert road.reason(fourth) == "limit-per-day"
    assert road.state(fourth) == "refused"
    assert sum(amount for amount, _, _ in await applied(road, "deduct")) == 90000
    assert {road.state(one) for one in bills} == {"paid", "ordered"}


async def test_when_no_channel_takes_it_the_counter_collects(road: Street) -> None:
    order_id = await road.bill(30001, channels="deduct", **KNOWN)
    await road.ends(order_id, "offline")

    assert road.reason(order_id) == "limit-per-act"
    assert road.events(order_id) == ["payment-offline"]
    assert road.orders() == []
