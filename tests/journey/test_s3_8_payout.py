"""Payout (domain §3.8): a wrong account, an unknown one, one that comes back, and holidays of the contract's calendar."""

import json
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from support.payroom import SteppedClock, Street, street, until

from gateway.claims.conversation.clocks import ClockName, DayRule
from gateway.claims.conversation.payouts import PayoutWatch
from gateway.claims.door.paymentviews import payments_view
from gateway.claims.ledger import Ledger
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.secret import Secret
from gateway.store.unit import Unit
from gateway.store.vault import Vault


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Street]:
    async with street(tmp_path) as opened:
        yield opened


SPRING_FESTIVAL = frozenset(date(2026, 2, day) for day in range(16, 24))
CONTRACT = DayRule(working=True, holidays=SPRING_FESTIVAL, workdays=frozenset({date(2026, 2, 14)}))


def vault() -> Vault:
    return Vault({"m": Secret(b"1" * 32)}, "m", Secret(b"i" * 32))


async def applied(road: Street) -> list[tuple[int, int, str]]:
    return [(one["amount_fen"], one["times_applied"], one["state"]) for one in await road.books()]


async def test_s3_8_e1_a_wrong_account_waits_for_another_one_under_the_same_payout(road: Street) -> None:
    order_id = await road.bill(9000, 9000, kind="quick_claim", account="WRONG-1")
    await road.ends(order_id, "account", "PAYOUT")
    await rebind(road, order_id, "tok-2")
    await road.ends(order_id, "paid", "PAYOUT")

    (order,) = road.orders(kind="PAYOUT")
    assert (order["attempt"], order["account_token"]) == (2, "tok-2")
    assert sorted(one["our_refs"]["out_trade_no"] for one in await road.books()) == [
        order["settlement_id"],
        f"{order['settlement_id']}-2",
    ]
    assert road.events(order_id) == ["payout-account", "paid"]


async def test_s3_8_e3_a_payout_that_comes_back_is_reopened(tmp_path: Path) -> None:
    async with street(tmp_path, return_watch=timedelta(seconds=6)) as road:
        order_id = await road.bill(9000, 9000, kind="quick_claim", account="RETURN-1")
        await road.ends(order_id, "paid", "PAYOUT")
        await until(lambda: road.state(order_id, "PAYOUT") == "returned", 8)
        await rebind(road, order_id, "tok-2")
        await road.ends(order_id, "paid", "PAYOUT")

        assert sorted(await applied(road)) == [(9000, 0, "returned"), (9000, 1, "settled")]
        assert road.events(order_id) == ["paid", "payout-returned", "paid"]


async def test_s3_8_e2_an_unknown_payout_is_only_asked_about(road: Street) -> None:
    await road.script("order", "lose_answer")
    await road.script("enquiry", "error500", times=5)
    order_id = await road.bill(9000, 9000, kind="quick_claim", account="tok-1")
    await until(lambda: road.orders(state="unknown"))
    await rebind(road, order_id, "tok-2")
    await road.ends(order_id, "paid", "PAYOUT")

    assert [one["op"] for one in await road.seen()].count("order") == 1
    assert await applied(road) == [(9000, 1, "settled")]


async def test_a_later_decision_under_the_same_bill_pays_out_only_what_is_new(road: Street) -> None:
    order_id = await road.bill(9000, 4000, kind="quick_claim", account="tok-1")
    await road.ends(order_id, "paid", "PAYOUT")
    unit = Unit()
    unit.insert("claim", claim_id="clm_2", order_id=order_id, seq=2, kind="quick_claim", approved=1000)
    await road.store.commit(unit)
    for _ in range(2):
        await road.errand("decided", order_id)
        await road.ends(order_id, "paid", "PAYOUT:2")
        await until(lambda: not road.store.count("outbox", {}))

    assert sorted(await applied(road)) == [(1000, 1, "settled"), (4000, 1, "settled")]


async def rebind(road: Street, order_id: str, token: str) -> None:
    unit = Unit()
    unit.update("bill", {"order_id": order_id}, payout_token=token)
    await road.store.commit(unit)
    await road.errand("account", order_id)


async def test_s3_8_e4_over_a_holiday_the_contracts_calendar_says_when_it_is_late(tmp_path: Path) -> None:
    """Approved on the Saturday that is worked before the festival: due when the first working day after it ends."""
    clock = SteppedClock(datetime(2026, 2, 14, 16, 30, tzinfo=SHANGHAI))
    async with street(tmp_path, clock) as road:
        await road.script("order", "error500", times=10_000)
        order_id = await road.bill(9000, 9000, kind="quick_claim", account="tok-1")
        await until(lambda: road.rows(order_id))
        bill = road.store.get("bill", order_id=order_id)
        assert bill is not None
        contract = PayoutWatch(Ledger(road.store, vault(), clock), dict.fromkeys(ClockName, CONTRACT))
        strict = PayoutWatch(contract.ledger, dict.fromkeys(ClockName, DayRule()))
        shown = json.loads(payments_view(road.store, bill, CONTRACT))["payments"][0]["due_at"]

        clock.at = datetime(2026, 2, 24, 23, 59, tzinfo=SHANGHAI)
        await contract.round()
        in_time = road.events(order_id)
        clock.at = datetime(2026, 2, 25, 0, 1, tzinfo=SHANGHAI)
        await contract.round()
        late = road.events(order_id)
        await strict.round()

        assert shown == datetime(2026, 2, 25, tzinfo=SHANGHAI).timestamp() * 1000
        assert in_time == []
        assert late.count("payout-late") == 2, "by both clocks"
        assert road.events(order_id) == late, "told once"
