"""What the window hands over again, or from two processes, is the order that it handed over first (seeded worlds)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.clearing.door import PaymentDoor
from gateway.clearing.errands import Errands
from gateway.clearing.reader import NotYet
from gateway.clearing.rows import Rows
from gateway.kernel.clock import SystemClock
from gateway.kernel.ids import new_settlement_id
from gateway.kernel.outcome import Answered, Outcome, Unknown
from gateway.payment.capabilities import Capabilities, Names
from gateway.payment.model import LegKind, OrderKind, OrderTaken, PaymentOrder, Receipt, Result, Timing
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

ORDER, DEPOSIT = "ord_1", "dep_1"
CHANNEL = Capabilities(
    channel="pay",
    names=Names(zh="模拟", en="Simulated"),
    kinds=frozenset(OrderKind),
    legs=frozenset((LegKind.SELF_PAY, LegKind.CREDIT, LegKind.DEPOSIT)),
)
MORNING = 1_741_222_800_000


@dataclass
class Door:
    """The payment room, of which an answer may be lost."""

    lost: int = 0
    on_rebind: Callable[[], Awaitable[object]] | None = None
    placed: list[PaymentOrder] = field(default_factory=list)

    async def place(self, order: PaymentOrder) -> Outcome[OrderTaken]:
        self.placed.append(order)
        self.lost -= 1
        return Unknown("answer-timeout") if self.lost >= 0 else Answered(OrderTaken(settlement_id=order.settlement_id))

    async def rebind(self, settlement_id: str, account_token: str) -> Outcome[OrderTaken]:
        if self.on_rebind is not None:
            await self.on_rebind()
        return Answered(OrderTaken(settlement_id=settlement_id))


@dataclass
class Window:
    store: Store
    door: Door = field(default_factory=Door)

    @property
    def rows(self) -> Rows:
        return Rows(self.store, SystemClock())

    async def do(self, kind: str, order_id: str) -> bool:
        errands = Errands(self.rows, cast(PaymentDoor, self.door), (CHANNEL,), time(17, 30))
        return await errands.do({"kind": kind, "order_id": order_id})

    async def bill(self, order_kind: str = "PRE_PRE", deposits: str = "") -> None:
        """50.00 for the patient."""
        unit = Unit()
        money = {"total": 5000, "fund_total": 0, "account_pay": 0, "cash_pay": 5000, "self_pay_due": 5000}
        row: dict[str, Any] = {"hospital": "H1", "idem_key": "k", "kind": "direct_pay", "state": "decided", "wishes": 1}
        unit.insert("bill", order_id=ORDER, order_kind=order_kind, created_at=MORNING, **row, **money)
        self.wish(unit, ORDER, deposits)
        await self.store.commit(unit)

    def wish(self, unit: Unit, order_id: str, deposits: str = "") -> None:
        facts = {"real_name": 0, "local_insured": 0, "score_passed": 1}
        unit.insert(
            "pay_wish",
            order_id=order_id,
            channels="",
            place="counter",
            payer_token="payer-1",
            deposits=deposits,
            **facts,
        )

    async def deposit(self, used_by: str | None) -> None:
        """20.00, taken."""
        unit = Unit()
        row = {"deposit_id": DEPOSIT, "hospital": "H1", "idem_key": "d", "body_digest": "", "amount": 2000}
        unit.insert("deposit", **row, created_at=1, used_by=used_by)
        taken = {"settlement_id": new_settlement_id(), "amount": 2000, "state": "paid", "created_at": 1}
        unit.insert("settlement", order_id=DEPOSIT, kind="DEPOSIT", channel="pay", updated_at=1, **taken)
        await self.store.commit(unit)


@pytest.fixture
async def window(tmp_path: Path) -> AsyncIterator[Window]:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    yield Window(store)
    await store.close()


async def test_a_pay_later_order_whose_answer_was_lost_is_handed_over_as_the_same_order(window: Window) -> None:
    """Once it became an order that is paid at once under the same id; the room refused it, and the next channel collected."""
    await window.bill("POST_POST")
    window.door.lost = 1
    assert not await window.do("decided", ORDER)
    assert await window.do("decided", ORDER)

    first, again = window.door.placed
    assert first == again
    assert (first.kind, first.timing) == (OrderKind.CREDIT, Timing.POST_POST)


async def tap_by(window: Window, payer: str) -> None:
    """The patient turns to the other channel."""
    await window.store.commit(Unit().insert("pay_tap", order_id=ORDER, channel="pay", payer_token=payer, at=MORNING))


async def test_a_payment_handed_over_after_a_tap_names_no_debt_that_came_later(window: Window) -> None:
    """The first order of a debt stands beside none, also when its answer was lost and the patient tapped meanwhile."""
    await window.bill()
    window.door.lost = 2
    assert not await window.do("decided", ORDER)
    await tap_by(window, "payer-2")
    assert not await window.do("pay", ORDER)
    assert await window.do("decided", ORDER)

    first, tap, *again = window.door.placed
    assert again == [first, tap]
    assert (first.payer_token, tap.payer_token, tap.beside) == ("payer-1", "payer-2", first.settlement_id)


async def test_a_payment_is_handed_over_although_a_clock_dated_the_tap_before_it(window: Window) -> None:
    """Once it stayed “created” for ever: the tap looked like the debt's first order."""
    await window.bill()
    window.door.lost = 1
    assert not await window.do("decided", ORDER)
    await tap_by(window, "payer-1")
    assert await window.do("pay", ORDER)
    tap = {"order_id": ORDER, "kind": "SELF_PAY:pay"}
    await window.store.commit(Unit().update("settlement", tap, state="paid", created_at=1))
    assert await window.do("decided", ORDER)

    first, _, again = window.door.placed
    assert first == again
    assert [row["state"] for row in window.store.find("settlement", {"kind": "SELF_PAY"})] == ["ordered"]


async def test_a_tap_whose_answer_was_lost_is_handed_over_although_the_bill_is_paid_meanwhile(window: Window) -> None:
    """Once it stayed “created”, and the bill's undo waited for it for ever."""
    await window.bill()
    assert await window.do("decided", ORDER)
    await tap_by(window, "payer-1")
    window.door.lost = 1
    assert not await window.do("pay", ORDER)
    await window.store.commit(Unit().update("settlement", {"order_id": ORDER, "kind": "SELF_PAY"}, state="paid"))
    assert await window.do("pay", ORDER)

    _, tap, again = window.door.placed
    assert tap == again
    assert window.store.get("settlement", order_id=ORDER, kind="SELF_PAY:pay")["state"] == "ordered"  # type: ignore[index]


async def test_a_later_payout_is_handed_over_although_a_clock_dated_it_before_the_first(window: Window) -> None:
    await window.bill()
    unit = Unit().update("bill", {"order_id": ORDER}, payout_token="acct-1", kind="quick_claim")
    claim = {"insurer": "one", "state": "decided", "version": 0, "approved": 3000, "seq": 1, "kind": "quick_claim"}
    unit.insert("claim", order_id=ORDER, claim_id="clm_1", **claim)
    payout = {"amount": 1500, "updated_at": 1, "order_id": ORDER}
    unit.insert("settlement", kind="PAYOUT", settlement_id=new_settlement_id(), state="paid", created_at=9, **payout)
    unit.insert(
        "settlement", kind="PAYOUT:2", settlement_id=new_settlement_id(), state="created", created_at=1, **payout
    )
    await window.store.commit(unit)
    assert await window.do("decided", ORDER)
    assert [(order.kind, order.amount) for order in window.door.placed] == [(OrderKind.PAYOUT, 1500)]


@pytest.mark.parametrize("state", ["returned", "account"])
async def test_a_payout_to_another_account_is_paid_although_its_receipt_came_before_the_acknowledgement(
    window: Window, state: str
) -> None:
    """Once the receipt was only noted, and the payout was “on its way” for ever."""
    await window.bill()
    number = new_settlement_id()
    unit = Unit().update("bill", {"order_id": ORDER}, payout_token="acct-2", kind="quick_claim")
    row = {"settlement_id": number, "state": state, "amount": 1500, "created_at": 1, "updated_at": 1}
    unit.insert("settlement", order_id=ORDER, kind="PAYOUT", **row)
    await window.store.commit(unit)
    paid = Receipt(seq=7, settlement_id=number, result=Result.PAID, amount=1500, at=1)
    window.door.on_rebind = lambda: window.rows.receive(paid)

    assert await window.do("account", ORDER)
    assert window.store.get("settlement", order_id=ORDER, kind="PAYOUT")["state"] == "paid"  # type: ignore[index]


async def test_a_deposit_goes_back_although_the_first_answer_was_lost(window: Window) -> None:
    """Once its own way back counted as a deposit whose outcome is open, for ever."""
    await window.deposit(used_by=DEPOSIT)
    window.door.lost = 1
    assert not await window.do("deposit_back", DEPOSIT)
    assert await window.do("deposit_back", DEPOSIT)

    first, again = window.door.placed
    assert first == again
    assert (first.kind, first.amount) == (OrderKind.REFUND, 2000)


async def test_a_bill_owes_less_than_its_deposits_whoever_held_them(window: Window) -> None:
    """Another process holds the deposit while this one already has the bill in hand."""
    await window.bill(deposits=DEPOSIT)
    await window.deposit(used_by=None)
    read = window.store.read

    async def slow(ask: Any, /, *asked: Any, **named: Any) -> Any:
        """Between the first look at the bill and the look at its deposit, another process held it."""
        if asked[:1] == ("deposit",):
            await window.store.commit(Unit().update("deposit", {"deposit_id": DEPOSIT}, used_by=ORDER))
        return await read(ask, *asked, **named)

    window.store.read = slow  # type: ignore[method-assign]
    assert await window.do("decided", ORDER)
    assert [order.amount for order in window.door.placed] == [3000]


async def test_what_a_bill_owes_waits_for_its_deposit(window: Window) -> None:
    await window.bill(deposits=DEPOSIT)
    await window.deposit(used_by=None)
    await window.store.commit(Unit().update("settlement", {"order_id": DEPOSIT, "kind": "DEPOSIT"}, state="ordered"))
    with pytest.raises(NotYet):
        await window.do("decided", ORDER)
    assert not window.door.placed
