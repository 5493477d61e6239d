"""Takes a hospital's wish to undo an order, and its word about 医保: durable before it is answered, worked afterwards."""

from dataclasses import dataclass

import msgspec

from gateway.claims.changes import Order
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.states import BillState
from gateway.claims.undo.book import CASH, YIBAO, Undo, UndoBook, cash_back, read_undo
from gateway.claims.undo.planning import legs_of, money_of, require_refundable
from gateway.claims.undo.states import LEG_MACHINE, LegEvent, LegState
from gateway.claims.undo.wish import LegWord, RefundLine, UndoWish
from gateway.claims.work import Work
from gateway.kernel.errors import BadMoney, Conflict, KeyReused, NotFound
from gateway.kernel.ids import new_undo_id
from gateway.store.api import Row
from gateway.store.claims_tables import DUE_NOW
from gateway.store.errors import Duplicate, StaleWrite

_HOSPITALS_TURN = {YIBAO: (LegState.ASKED, LegState.REFUSED), CASH: (LegState.MANUAL, LegState.REFUSED)}
"""Cash is the payment room's, and the hospital's where a channel refunds only at the window."""
_UNDOABLE = (BillState.PENDING, BillState.DECIDED)


@dataclass(slots=True)
class UndoDesk:
    engine: Engine

    async def ask(self, hospital: str, order_id: str, key: str, wish: UndoWish, work: Work) -> Row:
        """The undo's row; the same key and wish give the same one. ``work`` may hold rows to commit with it.

        Raises ``NotFound``, ``Conflict`` (``idempotency-key-reused``, ``undo-under-way``, ``order-undone``,
        ``order-undecided``) or ``BadMoney`` (``refund-beyond``).
        """
        ledger = self.engine.ledger
        before = await ledger.read(ledger.store.get, "undo", hospital=hospital, idem_key=key)
        if before is not None:
            await work.flush()
            return await self._repeated(before, order_id, wish)
        bill = await ledger.read(self._undoable, hospital, order_id, wish)
        amount = bill["total"] if wish.scope == "whole" else await ledger.read(self._bounded, bill, wish)
        row = self._row(bill, key, wish, amount)
        await work.safe.turn_to(order_id, ledger.read)
        work.unit.insert("undo", **row)
        work.unit.update(
            "bill", {"order_id": order_id}, expect={"undo_id": None}, undo_id=row["undo_id"], look_at=DUE_NOW
        )
        if wish.lines:
            work.keep(_lines_id(row["undo_id"]), "undo", msgspec.json.encode(wish.lines))
        order = Order(order_id, hospital)
        work.changed(order, None, "undo.state", "", row["state"], wish.reason)
        work.event(order, "undo-asked")
        try:
            await work.flush()
        except StaleWrite:
            raise _under_way() from None
        except Duplicate as clash:
            if clash.table == "nonce":
                raise
            return await self.ask(hospital, order_id, key, wish, ledger.work())
        await self.engine.freeze(order_id)
        return row

    def _row(self, bill: Row, key: str, wish: UndoWish, amount: int) -> Row:
        now = self.engine.clock.epoch_ms()
        return {
            "undo_id": new_undo_id(),
            "order_id": bill["order_id"],
            "hospital": bill["hospital"],
            "idem_key": key,
            "scope": wish.scope,
            "state": "undoing",
            "reason": wish.reason,
            "requested_by": wish.requested_by,
            "was": "",
            "amount": amount,
            "version": 0,
            "created_at": now,
            "updated_at": now,
        }

    async def _repeated(self, before: Row, order_id: str, wish: UndoWish) -> Row:
        lines = await self.engine.ledger.read(self._lines, before)
        same = before["order_id"] == order_id and lines == wish.lines
        if not same or any(before[name] != getattr(wish, name) for name in ("scope", "reason", "requested_by")):
            raise KeyReused("this Idempotency-Key was used for another undo", hint="Use a new key for a new undo.")
        return before

    def _undoable(self, hospital: str, order_id: str, wish: UndoWish) -> Row:
        bill = self.engine.ledger.bill_row(order_id)
        if bill is None or bill["hospital"] != hospital:
            raise NotFound("no such order", code="order-unknown")
        if bill["undo_id"]:
            raise _under_way()
        if bill["state"] not in _UNDOABLE:
            raise Conflict("this order is undone", code="order-undone", hint="Look at the order's undos.")
        if wish.scope == "part" and bill["state"] != BillState.DECIDED:
            raise Conflict(
                "a part is refunded of a decided order",
                code="order-undecided",
                hint="Undo it whole, or wait for the decision.",
            )
        return bill

    def _bounded(self, bill: Row, wish: UndoWish) -> int:
        """What the lines give back, within the bill and everything that earlier undos gave back."""
        ledger, order_id = self.engine.ledger, bill["order_id"]
        loaded = ledger.load_bill(order_id)
        assert loaded is not None
        earlier = [
            row for row in ledger.store.find("undo", {"order_id": order_id}, limit=1000) if row["state"] == "done"
        ]
        refunds = [line for row in earlier for line in self._lines(row)]
        amount = require_refundable(loaded.submission.lines, refunds, wish.lines)
        cash = bill["self_pay_due"] if bill["kind"] == "direct_pay" else 0
        split = loaded.submission.split
        given_back = cash_back(ledger.store, order_id)
        legs_of("part", money_of(loaded.claims, split.fund_total, split.account_pay, cash), amount, given_back)
        if amount <= 0:
            raise BadMoney("nothing is given back", code="refund-beyond", fields=("lines",))
        return amount

    def _lines(self, undo: Row) -> tuple[RefundLine, ...]:
        ledger, record_id = self.engine.ledger, _lines_id(undo["undo_id"])
        kept = ledger.store.get("vault", record_id=record_id)
        if kept is None:
            return ()
        plain = ledger.keys.of(undo["order_id"]).open(record_id, kept["blob"], "undo")
        return msgspec.json.decode(plain, type=tuple[RefundLine, ...])

    async def told(self, hospital: str, undo_id: str, kind: str, word: LegWord, work: Work) -> None:
        """The hospital undid a leg itself, or could not. Saying it twice is saying it once.

        Raises ``NotFound`` or ``Conflict`` (``leg-not-asked``).
        """
        ledger = self.engine.ledger
        undo = await ledger.read(self.one, hospital, undo_id)
        leg = next((leg for leg in undo.legs if leg.kind == kind), None)
        event = LegEvent.UNDO if word.outcome == "undone" else LegEvent.REFUSE
        if leg is None or leg.state not in _HOSPITALS_TURN[kind] or (leg.state, event) not in LEG_MACHINE.table:
            await work.flush()
            if leg is not None and leg.cause == f"hospital:{word.reference}":
                return
            raise Conflict(
                "it is not the turn of this leg",
                code="leg-not-asked",
                hint="Undo 医保 when the event undo-yibao has come.",
            )
        bill = await ledger.read(ledger.load_bill, undo.order_id)
        assert bill is not None
        UndoBook(bill, undo, work).move_leg(leg, event, f"hospital:{word.reference}")
        work.unit.update("bill", {"order_id": undo.order_id}, look_at=DUE_NOW)
        try:
            await work.flush()
        except StaleWrite:
            await self.told(hospital, undo_id, kind, word, ledger.work())
            return
        await self.engine.wake(undo.order_id)

    def one(self, hospital: str, undo_id: str) -> Undo:
        """Raises ``NotFound``, for another hospital's too."""
        row = self.engine.ledger.store.get("undo", undo_id=undo_id)
        if row is None or row["hospital"] != hospital:
            raise NotFound("no such undo", code="undo-unknown")
        found = read_undo(self.engine.ledger.store, undo_id)
        assert found is not None
        return found


def _under_way() -> Conflict:
    return Conflict(
        "another undo of this order is under way", code="undo-under-way", hint="Look at it; wait for its end."
    )


def _lines_id(undo_id: str) -> str:
    return f"undo:{undo_id}"
