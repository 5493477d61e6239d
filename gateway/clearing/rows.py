"""The window's rows in the claims database: which settlement number belongs to which order, and how far it is."""

from collections.abc import Sequence
from contextlib import suppress

from gateway.clearing.orders import Due
from gateway.clearing.reader import hospital_of
from gateway.clearing.undone import cash_leg
from gateway.kernel.clock import Clock
from gateway.kernel.ids import SettlementId, change_no, new_event_id, new_settlement_id
from gateway.kernel.settlements import State, made_of, may_become
from gateway.payment.model import Receipt, Result
from gateway.store.api import AnyStore, Row
from gateway.store.errors import Duplicate, StaleWrite
from gateway.store.unit import Unit

SEEN = "clearing.receipts.after"
"""The setting that holds the number of the last receipt."""
ERRANDS = ("decided", "deposit", "deposit_back", "refund", "account", "pay", "recovery")
"""Outbox kinds that the window carries."""
_EVENTS = {
    State.PAID: "paid",
    State.FAILED: "payment-failed",
    State.DISPUTED: "payment-disputed",
    State.REFUSED: "payment-refused",
    State.OFFLINE: "payment-offline",
    State.ACCOUNT: "payout-account",
    State.RETURNED: "payout-returned",
    State.DOUBLE: "payment-double",
    State.CLOSED: "payment-closed",
    State.WARNED: "payment-warned",
    State.DEFAULTED: "payment-defaulted",
}
_MOST_TRIES = 5
BACK = ("back", "refund", "double")
"""First words of settlement kinds by which money goes back to the patient."""


class Rows:
    def __init__(self, store: AnyStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    def now(self) -> int:
        """Epoch milliseconds."""
        return int(self.clock.now().timestamp() * 1000)

    async def decided(self, limit: int) -> list[Row]:
        """Errands still to be done, in the order they were made."""
        due = {"kind": ("in", ERRANDS), "next_at": ("<=", self.now())}
        return await self.store.read(self.store.find, "outbox", due, order_by="seq", limit=limit)

    async def misdated(self, beyond_ms: int, limit: int) -> list[Row]:
        """Errands put further off than any wait: the clock that did it was wrong."""
        far = {"kind": ("in", ERRANDS), "next_at": (">", self.now() + beyond_ms)}
        return await self.store.read(self.store.find, "outbox", far, order_by="seq", limit=limit)

    async def to_collect(self, order_id: str) -> bool:
        """Whether an errand that makes payments of this bill is still to be done."""
        asked = {"order_id": order_id, "kind": ("in", ["decided", "pay"])}
        return bool(await self.store.read(self.store.find, "outbox", asked, limit=1))

    async def link(self, order_id: str, hospital: str, due: Due) -> Row:
        """The settlement row of a due, made once: its number is durable before the payment room hears of it."""
        found = await self.row(order_id, due.row)
        if found is not None:
            return found
        (made,) = await self.make(order_id, hospital, (due,), State.CREATED if due.amount else State.PAID, "decided")
        return made

    async def make(self, order_id: str, hospital: str, owed: Sequence[Due], state: State, cause: str) -> list[Row]:
        """New rows, all or none of them; those that somebody else made first stay as they are."""
        unit, now = Unit(), self.now()
        for due in owed:
            more = {"channel": due.channel, "original": due.original, "reason": due.reason}
            row: Row = {
                "order_id": order_id,
                "kind": due.row,
                "settlement_id": new_settlement_id(),
                "amount": due.amount,
                "state": state.value,
                "created_at": now,
                "updated_at": now,
            }
            unit.insert("settlement", **row, **{name: value for name, value in more.items() if value})
            self._tell(unit, row, hospital, "", state, made_of(cause, due.row, due.amount))
        with suppress(Duplicate):
            await self.store.commit(unit)
        made = [await self.row(order_id, due.row) for due in owed]
        return [row for row in made if row is not None]

    async def row(self, order_id: str, kind: str) -> Row | None:
        return await self.store.read(self.store.get, "settlement", order_id=order_id, kind=kind)

    async def of(self, order_id: str) -> list[Row]:
        """Every settlement of a bill or a deposit, oldest first."""
        rows = await self.store.read(self.store.find, "settlement", {"order_id": order_id}, limit=1000)
        return sorted(rows, key=lambda row: row["created_at"])

    async def became(self, row: Row, state: State, cause: str) -> None:
        """Move a settlement on from the state that was read; a receipt that came first wins."""
        unit = Unit()
        await self._move(unit, row, state, cause)
        with suppress(StaleWrite):
            await self.store.commit(unit)

    async def ended(self, row: Row) -> None:
        """A refund that the payment room never takes ends its undo's cash leg without a receipt."""
        unit = Unit()
        await cash_leg(self.store, unit, row, State(row["state"]), self.now())
        if unit.steps:
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
        """Whether some order has no receipt yet; one that waits for its day is none of these."""
        on_the_way = {"state": ("in", [State.CREATED.value, State.ORDERED.value])}
        return bool(await self.store.read(self.store.find, "settlement", on_the_way, limit=1))

    async def last_receipt(self) -> int:
        row = await self.store.read(self.store.get, "setting", name=SEEN)
        return 0 if row is None else int(row["value"])

    async def receive(self, receipt: Receipt) -> bool:
        """Write one receipt's outcome and how far the feed was read, together. False for a number that is not ours.

        An errand may write the same settlement in the same moment ("the room has taken it"), or another process that
        took the window over may have written the receipt: then both are read again, and the feed never goes back.
        """
        for _ in range(_MOST_TRIES - 1):
            with suppress(StaleWrite, Duplicate):
                return await self._receive(receipt)
        return await self._receive(receipt)

    async def _receive(self, receipt: Receipt) -> bool:
        before = await self.store.read(self.store.get, "setting", name=SEEN)
        if before is not None and int(before["value"]) >= receipt.seq:
            return True
        unit, reached = Unit(), str(receipt.seq)
        if before is None:
            unit.insert_new("setting", name=SEEN, value=reached)
        else:
            unit.update("setting", {"name": SEEN}, expect={"value": before["value"]}, value=reached)
        row = await self.store.read(self.store.get, "settlement", settlement_id=receipt.settlement_id)
        if row is None and receipt.original:
            row = await self._of_the_room(unit, receipt)
        if row is not None:
            state = _outcome(receipt, row["amount"])
            if state is not State(row["state"]):
                await self._move(unit, row, state, receipt.reason or "receipt")
            self._try_next(unit, row, state)
            await cash_leg(self.store, unit, row, state, self.now())
        await self.store.commit(unit)
        return row is not None

    async def _of_the_room(self, unit: Unit, receipt: Receipt) -> Row | None:
        """The refund of a double payment, which the payment room began by itself: it gets its row now."""
        twice = await self.store.read(self.store.get, "settlement", settlement_id=receipt.original or "")
        if twice is None:
            return None
        now = self.now()
        row: Row = {
            "order_id": twice["order_id"],
            "kind": f"double:{twice['kind']}",
            "settlement_id": receipt.settlement_id,
            "amount": twice["amount"],
            "state": State.ORDERED.value,
            "created_at": now,
            "updated_at": now,
            "channel": twice["channel"],
            "original": twice["settlement_id"],
        }
        unit.insert("settlement", **row)
        self._change(unit, row, "settlement", "", row["state"], made_of("paid-twice", row["kind"], row["amount"]))
        return row

    def _try_next(self, unit: Unit, row: Row, state: State) -> None:
        """A payment that a channel's rule stopped goes to the next rung of the ladder."""
        if state is State.REFUSED and row["kind"].partition(":")[0] in ("SELF_PAY", "CREDIT"):
            unit.insert("outbox", kind="decided", order_id=row["order_id"], at=self.now(), attempts=0, next_at=0)

    async def _move(self, unit: Unit, row: Row, state: State, cause: str) -> None:
        if not may_become(State(row["state"]), state):
            self._change(unit, row, "settlement.late", row["state"], state.value, cause)
            return
        key = {"order_id": row["order_id"], "kind": row["kind"]}
        told = {} if state is State.PAID or cause in ("receipt", "order-taken") else {"reason": cause}
        unit.update("settlement", key, expect={"state": row["state"]}, state=state.value, updated_at=self.now(), **told)
        hospital = await self.store.read(hospital_of, self.store, row["order_id"])
        self._tell(unit, row, hospital, row["state"], state, cause)

    def _tell(self, unit: Unit, row: Row, hospital: str, old: str, new: State, cause: str) -> None:
        self._change(unit, row, "settlement", old, new.value, cause)
        if new in _EVENTS:
            event, goes_back = new_event_id(), row["kind"].partition(":")[0] in BACK
            told = "refunded" if goes_back and new is State.PAID else _EVENTS[new]
            order_id = row["order_id"]
            unit.insert("event", event_id=event, hospital=hospital, order_id=order_id, kind=told, at=self.now())

    def _change(self, unit: Unit, row: Row, field: str, old: str, new: str, cause: str) -> None:
        """The payment's own number stands where an act's stands in other changes."""
        told: Row = {"field": field, "old": old, "new": new, "cause": cause, "at": self.now()}
        key: Row = {
            "order_id": row["order_id"],
            "change_no": change_no(),
            "claim_id": "",
            "act_id": row["settlement_id"],
        }
        unit.insert("change", **key, **told)


def _outcome(receipt: Receipt, amount: int) -> State:
    if receipt.result is Result.PAID and receipt.amount != amount:
        return State.DISPUTED
    return State(receipt.result.value)


def settlement_id(row: Row) -> SettlementId:
    return SettlementId(row["settlement_id"])
