"""Cash goes back last (domain §3.5): once, never more than was paid, and over the counter where a channel says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.payroom import Street, street, until

KNOWN = {"real_name": 1, "local_insured": 1, "payer_token": "acct-1"}


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Street]:
    async with street(tmp_path) as opened:
        yield opened


async def applied(road: Street, channel: str = "pay") -> list[tuple[int, int, str]]:
    return [(one["amount_fen"], one["times_applied"], one["state"]) for one in await road.books(channel)]


@pytest.mark.parametrize("trouble", ["lose_answer", "drop_connection", "error500", "garbage"])
async def test_s3_5_e2_an_undo_refunds_once_though_the_refunds_answer_is_lost(road: Street, trouble: str) -> None:
    order_id = await road.bill(5686)
    await road.ends(order_id, "paid")
    await road.script("refund", trouble)
    undo_id = await road.undo(order_id, 1500)
    await until(lambda: road.leg(undo_id) == ("undone", "refunded"))

    (book,) = await road.books()
    assert book["our_refs"]["refunded_fen"] == "1500"
    bill = road.store.get("bill", order_id=order_id)
    assert bill is not None
    assert bill["look_at"]
    changes = road.store.find("change", {"order_id": order_id, "field": "undo_leg.cash"})
    assert [(row["old"], row["new"]) for row in changes] == [("asked", "undone")]


async def test_an_undo_asked_before_the_payment_was_carried_waits_for_it(road: Street) -> None:
    """Errands of one bill side by side: nothing is owed back before it is known what was paid."""
    orders = [await road.bill(5000) for _ in range(8)]
    legs = [await road.undo(order_id, 5000) for order_id in orders]
    await until(lambda: "asked" not in [road.leg(one)[0] for one in legs], seconds=20)

    assert {road.leg(one) for one in legs} <= {("undone", "refunded"), ("undone", "never-paid")}
    assert sum(amount * times for amount, times, _ in await applied(road)) == 0


async def test_refunds_of_a_bill_never_pass_what_was_paid(road: Street) -> None:
    order_id = await road.bill(5000)
    await road.ends(order_id, "paid")
    legs = [await road.undo(order_id, amount) for amount in (3000, 2000, 1)]
    await until(lambda: "asked" not in [road.leg(one)[0] for one in legs])

    assert [road.leg(one) for one in legs] == [("undone", "refunded")] * 2 + [("manual", "refund-at-window")]
    assert await applied(road) == [(5000, 0, "refunded")]


async def test_an_undo_takes_back_what_deposits_paid_as_well(road: Street) -> None:
    deposit = await road.deposit(3000)
    order_id = await road.bill(5000, timing="PRE_POST", deposits=deposit)
    await road.ends(order_id, "paid")
    undo_id = await road.undo(order_id, 4000)
    await until(lambda: road.leg(undo_id)[0] == "undone")

    parts = sorted(row["amount"] for row in road.rows(order_id) if row["kind"].startswith("refund:"))
    assert parts == [2000, 2000]


async def test_s3_5_e4_a_channel_that_refunds_at_the_window_only_leaves_the_leg_to_a_person(
    road: Street,
) -> None:
    order_id = await road.bill(5000, channels="deduct", **KNOWN)
    await road.ends(order_id, "paid")
    undo_id = await road.undo(order_id, 5000)
    await until(lambda: road.leg(undo_id) == ("manual", "refund-at-window"))

    assert await applied(road, "deduct") == [(5000, 1, "settled")]
