"""A refund that came to nothing and is asked again by hand is tried again, and its undo always hears the end (seeded worlds)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.clearing.door import PaymentDoor
from gateway.clearing.errands import Errands
from gateway.clearing.rows import Rows
from gateway.kernel.clock import SystemClock
from gateway.kernel.ids import new_settlement_id
from gateway.kernel.outcome import Answered, Outcome, Refused
from gateway.payment.model import OrderTaken, PaymentOrder, Receipt, Result
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

ORDER, UNDO = "ord_1", "und_1"


@dataclass
class Door:
    """The payment room as the window sees it."""

    refuses: str = ""
    placed: list[PaymentOrder] = field(default_factory=list)

    async def place(self, order: PaymentOrder) -> Outcome[OrderTaken]:
        self.placed.append(order)
        return Refused(self.refuses) if self.refuses else Answered(OrderTaken(settlement_id=order.settlement_id))


@dataclass
class Window:
    """A bill of 50.00 that was paid and is undone: its cash leg is asked for."""

    store: Store
    door: Door = field(default_factory=Door)
    seq: int = 0

    @property
    def rows(self) -> Rows:
        return Rows(self.store, SystemClock())

    async def refund(self) -> bool:
        errands = Errands(self.rows, cast(PaymentDoor, self.door), (), time(17, 30))
        return await errands.do({"kind": "refund", "order_id": ORDER})

    async def ended(self, result: Result) -> None:
        self.seq += 1
        sent = self.door.placed[-1]
        await self.rows.receive(
            Receipt(seq=self.seq, settlement_id=sent.settlement_id, result=result, amount=5000, at=1)
        )

    async def asked_by_hand(self) -> None:
        await self.store.commit(
            Unit().update("undo_leg", {"undo_id": UNDO, "leg": "cash"}, state="asked", cause="by-hand")
        )

    def leg(self) -> tuple[Any, Any]:
        row = self.store.get("undo_leg", undo_id=UNDO, leg="cash")
        assert row is not None
        return row["state"], row["cause"]


@pytest.fixture
async def window(tmp_path: Path) -> AsyncIterator[Window]:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    unit = Unit()
    unit.insert("bill", order_id=ORDER, hospital="H99990100001", idem_key="k", kind="direct_pay", state="reversing")
    paid = {"settlement_id": new_settlement_id(), "amount": 5000, "state": "paid", "created_at": 1, "updated_at": 1}
    unit.insert("settlement", order_id=ORDER, kind="SELF_PAY", channel="pay", **paid)
    leg = {"kind": "cash", "state": "asked", "cause": "", "act_id": "", "amount": 5000, "updated_at": 1}
    unit.insert("undo_leg", undo_id=UNDO, leg="cash", order_id=ORDER, **leg)
    await store.commit(unit)
    yield Window(store)
    await store.close()


async def test_a_refund_that_failed_goes_out_again_under_another_number_when_it_is_asked_again(window: Window) -> None:
    assert await window.refund()
    await window.ended(Result.FAILED)
    assert window.leg() == ("refused", "refund-failed")

    await window.asked_by_hand()
    assert await window.refund()
    assert await window.refund(), "the same errand again"
    await window.ended(Result.PAID)

    first, again = window.door.placed
    assert first.settlement_id != again.settlement_id
    assert (first.amount, first.original) == (again.amount, again.original)
    assert window.leg() == ("undone", "refunded")


async def test_a_refund_that_the_room_refuses_again_ends_the_leg_again(window: Window) -> None:
    window.door.refuses = "refund-at-window"
    for _ in range(2):
        assert await window.refund()
        assert window.leg() == ("manual", "refund-at-window")
        await window.asked_by_hand()
    assert len(window.door.placed) == 2


async def test_a_refund_of_a_disputed_amount_is_not_tried_again_and_does_not_hang(window: Window) -> None:
    assert await window.refund()
    await window.ended(Result.DISPUTED)
    before = window.leg()

    await window.asked_by_hand()
    assert await window.refund()

    assert (window.leg()[0], before[0]) == ("manual", "manual")
    assert len(window.door.placed) == 1
