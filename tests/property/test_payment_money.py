"""Whatever is asked in whatever order: sums hold, bounds hold, and no order takes a step that the table does not have."""

import asyncio
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clearing.orders import DecidedBill, Paid, allocate, dues, payment_order
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import Conflict
from gateway.kernel.ids import OrderId, new_settlement_id
from gateway.kernel.settlements import SETTLEMENT
from gateway.payment.capabilities import load_all
from gateway.payment.desk import Desk
from gateway.payment.endings import Endings
from gateway.payment.gate import stopped
from gateway.payment.ledger import Ledger
from gateway.payment.metrics import Metrics
from gateway.payment.model import OWN, Leg, LegKind, OrderKind, PaymentOrder, Result, require_order
from gateway.payment.schedule import Schedule, day_of
from gateway.payment.states import DUE, HOLDS, ORDER, LegState, State, leg_state, require_step
from gateway.store.payment_tables import PAYMENT
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

CHANNELS = load_all(Path(__file__).parents[2] / "mappings")
amounts = st.integers(1, 10**9)


def deposit(number: int, amount: int) -> Paid:
    return Paid(new_settlement_id(), f"dep_{number}", OrderKind.DEPOSIT, "pay", amount)


@given(st.integers(0, 10**9), st.lists(amounts, max_size=6), st.data())
def test_deposits_pay_the_bill_first_and_only_the_rest_goes_back(
    cash: int, paid: list[int], data: st.DataObject
) -> None:
    approved = data.draw(st.integers(0, cash))
    deposits = tuple(deposit(number, amount) for number, amount in enumerate(paid))
    bill = DecidedBill(OrderId("ord_1"), "H", True, 0, 0, 0, cash, approved, 0, prepaid=deposits)
    owed, found = cash - approved, dues(bill)
    asked = sum(due.amount for due in found if due.kind is OrderKind.SELF_PAY)
    back = {due.original: due.amount for due in found if due.kind is OrderKind.REFUND}

    assert asked + sum(paid) - sum(back.values()) == owed
    assert not (asked and back)
    assert all(back.get(one.settlement_id, 0) <= one.left for one in deposits)
    for due in found:
        if due.amount:
            require_order(payment_order(due, new_settlement_id(), "LIANPEI"))


@given(st.lists(amounts, max_size=6), st.integers(0, 10**10))
def test_what_goes_back_is_spread_exactly_or_refused(paid: list[int], amount: int) -> None:
    deposits = tuple(deposit(number, one) for number, one in enumerate(paid))
    if amount > sum(paid):
        with pytest.raises(ValueError, match="paid"):
            allocate(deposits, amount)
        return
    parts = allocate(deposits, amount)
    assert sum(part for _, part in parts) == amount
    assert all(0 < part <= one.left for one, part in parts)


@given(st.sampled_from(list(State)), st.sampled_from(list(State)))
def test_a_step_that_is_not_in_the_table_is_refused(old: State, new: State) -> None:
    if old is new or (old, new) in ORDER.steps:
        require_step(old, new)
        return
    with pytest.raises(Conflict) as refused:
        require_step(old, new)
    assert refused.value.error_code == "illegal-transition"


def test_every_state_is_reached_and_none_that_the_room_acts_on_is_final() -> None:
    assert ORDER.reachable == frozenset(State)
    assert SETTLEMENT.reachable == frozenset(SETTLEMENT.states)
    assert ORDER.final.isdisjoint(DUE)
    assert set(ORDER.final) == {
        State.PAID, State.FAILED, State.DISPUTED, State.REFUSED, State.DEFAULTED, State.DOUBLE, State.CLOSED
    }  # fmt: skip


@given(st.sampled_from(list(LegKind)), st.sampled_from(list(OrderKind)), st.sampled_from(list(State)), amounts, amounts)
def test_a_leg_has_a_state_of_its_own(leg: LegKind, kind: OrderKind, state: State, amount: int, refunded: int) -> None:
    found = leg_state(leg, kind, state, amount, min(refunded, amount))

    assert (found is LegState.STATED) is (leg not in OWN[kind])
    if found is LegState.REFUNDED:
        assert min(refunded, amount) == amount


class Paper:
    """The payment room's books without a channel: orders are taken, and end as the test says."""

    def __init__(self, home: Path) -> None:
        self.store = Store.open(home / "payment.db", PAYMENT)
        self.ledger = Ledger(self.store, SystemClock())
        self.desk = Desk(self.ledger, CHANNELS, "pay", Schedule())
        metrics = Metrics(self.store)
        self.endings = Endings(self.ledger, metrics, Schedule(), timedelta(0))

    async def take(self, order: PaymentOrder) -> bool:
        try:
            return await self.desk.take(Unit(), order, self.store.commit)
        except Conflict:
            return False

    async def becomes(self, number: str, result: str) -> None:
        """``unknown``, ``paid`` or ``failed``; the day counts from the send."""
        unit, standing = Unit(), self.ledger.standing(number)
        assert standing is not None
        today = day_of(self.ledger.clock.now())
        if standing.state is State.ACCEPTED:
            standing = self.ledger.move(unit, standing, State.SENDING, 1, "sent", sent_day=today)
        if result == "unknown":
            self.ledger.move(unit, standing, State.UNKNOWN, 1, "outcome-unknown")
        else:
            self.endings.end(unit, standing, Result(result), 0, "told")
        await self.store.commit(unit)


def collecting(amount: int, **more: str) -> PaymentOrder:
    legs = (Leg(kind=LegKind.SELF_PAY, amount=amount),)
    number = new_settlement_id()
    return PaymentOrder(settlement_id=number, kind=OrderKind.SELF_PAY, amount=amount, legs=legs, source="T", **more)


def refund(original: PaymentOrder, amount: int) -> PaymentOrder:
    legs = (Leg(kind=LegKind.SELF_PAY, amount=amount),)
    number, kind = new_settlement_id(), OrderKind.REFUND
    return PaymentOrder(
        settlement_id=number, kind=kind, amount=amount, legs=legs, source="T", original=original.settlement_id
    )


@settings(max_examples=10, deadline=None)
@given(amounts, st.lists(st.tuples(amounts, st.sampled_from(["unknown", "paid", "failed"])), max_size=8))
def test_refunds_that_went_or_may_have_gone_never_pass_their_original(
    amount: int, wishes: list[tuple[int, str]]
) -> None:
    async def play() -> None:
        with TemporaryDirectory() as home:
            books, first = Paper(Path(home)), collecting(amount)
            assert not await books.take(refund(first, 1))
            await books.take(first)
            await books.becomes(first.settlement_id, "paid")
            gone = 0
            for part, result in wishes:
                back = refund(first, part)
                fits = gone + part <= amount
                assert await books.take(back) is fits
                if fits:
                    await books.becomes(back.settlement_id, result)
                    gone += part if result != "failed" else 0
                standing = books.ledger.standing(first.settlement_id)
                assert standing is not None
                assert standing.refunded == gone <= amount
            await books.store.close()

    asyncio.run(play())


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40_000), st.sampled_from(["unknown", "paid", "failed"])), max_size=10))
def test_a_payers_day_never_passes_its_limit_even_if_every_unknown_was_paid(wishes: list[tuple[int, str]]) -> None:
    deduct = CHANNELS["deduct"]

    async def play() -> None:
        with TemporaryDirectory() as home:
            books, moved = Paper(Path(home)), 0
            for amount, result in wishes:
                order = collecting(amount, channel="deduct", payer_token="acct-1")
                if not await books.take(order):
                    assert amount > deduct.limits.per_act
                    continue
                standing = books.ledger.standing(order.settlement_id)
                assert standing is not None
                why = stopped(books.ledger, deduct, standing)
                assert (why == "limit-per-day") is (moved + amount > deduct.limits.per_day)
                if not why:
                    await books.becomes(order.settlement_id, result)
                    moved += amount if result != "failed" else 0
            held = [state.value for state in HOLDS]
            assert books.store.sum("payment_order", "amount", {"state": ("in", held)}) == moved <= deduct.limits.per_day
            await books.store.close()

    asyncio.run(play())
