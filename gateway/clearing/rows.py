"""The window's rows in the claims database: which settlement number belongs to which order, and how far it is."""

from contextlib import suppress
from enum import StrEnum

from gateway.clearing.orders import DecidedBill, Due
from gateway.kernel.clock import Clock
from gateway.kernel.ids import SettlementId, change_no, new_event_id, new_settlement_id
from gateway.payment.model import Receipt, Result
from gateway.store.api import AnyStore, Row
from gateway.store.errors import Duplicate, StaleWrite
from gateway.store.unit import Unit

SEEN = "clearing.receipts.after"
"""The setting that holds the number of the last receipt."""


class State(StrEnum):
    CREATED = "created"
    """The number is given; the payment room may or may not have the order."""
    ORDERED = "ordered"
    PAID = "paid"
    FAILED = "failed"
    DISPUTED = "disputed"
    REFUSED = "refused"
    """The payment room will never take it: a person looks."""


_EVENTS = {
    State.PAID: "paid",
    State.FAILED: "payment-failed",
    State.DISPUTED: "payment-disputed",
    State.REFUSED: "payment-refused",
}


class Rows:
    def __init__(self, store: AnyStore, clock: Clock) -> None:
        self.store = store
        self._clock = clock

    def now(self) -> int:
        """Epoch milliseconds."""
        return int(self._clock.now().timestamp() * 1000)

    async def decided(self, limit: int) -> list[Row]:
        """Decisions still to be carried, in the order they were made."""
        due = {"kind": "decided", "next_at": ("<=", self.now())}
        return await self.store.read(self.store.find, "outbox", due, order_by="seq", limit=limit)

    async def link(self, bill: DecidedBill, due: Due) -> Row:
        """The settlement row of a due, made once: its number is durable before the payment room hears of it."""
        found = await self._link(bill, due)
        if found is not None:
            return found
        unit, now = Unit(), self.now()
        state = State.CREATED if due.amount else State.PAID
        unit.insert(
            "settlement",
            order_id=bill.order_id,
            kind=due.kind.value,
            settlement_id=new_settlement_id(),
            amount=due.amount,
            state=state.value,
            created_at=now,
            updated_at=now,
        )
        self._tell(unit, bill.order_id, bill.hospital, "", state, "decided")
        with suppress(Duplicate):
            await self.store.commit(unit)
        made = await self._link(bill, due)
        assert made is not None
        return made

    async def _link(self, bill: DecidedBill, due: Due) -> Row | None:
        return await self.store.read(self.store.get, "settlement", order_id=bill.order_id, kind=due.kind.value)

    async def became(self, row: Row, state: State, cause: str) -> None:
        """Move a settlement on from the state that was read; a receipt that came first wins."""
        unit = Unit()
        await self._move(unit, row, state, cause)
        with suppress(StaleWrite):
            await self.store.commit(unit)

    async def carried(self, row: Row) -> None:
        unit = Unit()
        unit.delete("outbox", {"seq": row["seq"]})
        await self.store.commit(unit)

    async def later(self, row: Row, wait_ms: int) -> None:
        unit = Unit()
        unit.update("outbox", {"seq": row["seq"]}, attempts=row["attempts"] + 1, next_at=self.now() + wait_ms)
        await self.store.commit(unit)

    async def waiting(self) -> bool:
        """Whether some order has no receipt yet."""
        on_the_way = {"state": ("in", [State.CREATED.value, State.ORDERED.value])}
        return bool(await self.store.read(self.store.find, "settlement", on_the_way, limit=1))

    async def last_receipt(self) -> int:
        row = await self.store.read(self.store.get, "setting", name=SEEN)
        return 0 if row is None else int(row["value"])

    async def receive(self, receipt: Receipt) -> bool:
        """Write one receipt's outcome and how far the feed was read, together. False for a number that is not ours."""
        unit = Unit()
        unit.upsert("setting", name=SEEN, value=str(receipt.seq))
        row = await self.store.read(self.store.get, "settlement", settlement_id=receipt.settlement_id)
        if row is not None:
            await self._move(unit, row, _outcome(receipt, row["amount"]), "receipt")
        await self.store.commit(unit)
        return row is not None

    async def _move(self, unit: Unit, row: Row, state: State, cause: str) -> None:
        key = {"order_id": row["order_id"], "kind": row["kind"]}
        unit.update("settlement", key, expect={"state": row["state"]}, state=state.value, updated_at=self.now())
        bill = await self.store.read(self.store.get, "bill", order_id=row["order_id"])
        self._tell(unit, row["order_id"], bill["hospital"] if bill else "", row["state"], state, cause)

    def _tell(self, unit: Unit, order_id: str, hospital: str, old: str, new: State, cause: str) -> None:
        now = self.now()
        changed = {"field": "settlement", "old": old, "new": new.value, "cause": cause, "at": now}
        unit.insert("change", order_id=order_id, change_no=change_no(), claim_id="", act_id="", **changed)
        if new in _EVENTS:
            event = new_event_id()
            unit.insert("event", event_id=event, hospital=hospital, order_id=order_id, kind=_EVENTS[new], at=now)


def _outcome(receipt: Receipt, amount: int) -> State:
    if receipt.result is Result.PAID and receipt.amount != amount:
        return State.DISPUTED
    return State(receipt.result.value)


def settlement_id(row: Row) -> SettlementId:
    return SettlementId(row["settlement_id"])
