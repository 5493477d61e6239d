"""Unknown payments and double payments (domain §3.6): asked about, paid once, and the second one goes back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.payroom import Street, street, until

from gateway.store.unit import Unit


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Street]:
    async with street(tmp_path) as opened:
        yield opened


async def applied(road: Street, channel: str = "pay") -> list[tuple[int, int, str]]:
    return [(one["amount_fen"], one["times_applied"], one["state"]) for one in await road.books(channel)]


async def test_s3_2_e3_paid_then_reply_lost_is_asked_for_and_paid_once(road: Street) -> None:
    await road.script("order", "lose_answer")
    order_id = await road.bill(5686)
    await road.ends(order_id, "paid")

    assert await applied(road) == [(5686, 1, "settled")]


async def test_s3_6_11_of_two_channels_the_first_commit_wins_and_the_second_goes_back_by_itself(
    road: Street,
) -> None:
    order_id = await road.bill(5686, channels="pay", payer_token="SLOW-1")
    await until(lambda: road.orders(state="pending"))
    unit = Unit()
    unit.insert("pay_tap", order_id=order_id, channel="deduct", payer_token="acct-2", at=1)
    await road.store.commit(unit)
    await road.errand("pay", order_id)
    await road.ends(order_id, "paid", "SELF_PAY:deduct")
    await road.ends(order_id, "double")
    await road.ends(order_id, "paid", "double:SELF_PAY")

    assert await applied(road) == [(5686, 0, "refunded")]
    assert await applied(road, "deduct") == [(5686, 1, "settled")]
    assert sorted(road.events(order_id)) == ["paid", "payment-double", "refunded"]


async def test_a_second_tap_after_the_bill_is_paid_is_never_sent(road: Street) -> None:
    order_id = await road.bill(5686)
    await road.ends(order_id, "paid")
    unit = Unit()
    unit.insert("pay_tap", order_id=order_id, channel="deduct", payer_token="acct-2", at=1)
    await road.store.commit(unit)
    await road.errand("pay", order_id)
    await until(lambda: not road.store.count("outbox", {}))

    assert await road.books("deduct") == []
