"""Money on its way back to the patient: a deposit that no bill used, and the cash legs of undos."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.clearing.door import PaymentDoor
from gateway.clearing.handover import HandOver
from gateway.clearing.orders import Due, Paid, allocate, refund
from gateway.clearing.reader import NOTHING_WENT, NotYet, collects, deposits_of, open_payments, taken_for
from gateway.clearing.rows import Rows
from gateway.clearing.undone import end_leg, last_tries, refund_kind, refunds_of
from gateway.kernel.settlements import OPEN, State
from gateway.payment.model import OrderKind, Timing
from gateway.store.api import Row
from gateway.store.unit import Unit

_AT_WINDOW = "refund-at-window"


class Refunds:
    def __init__(self, rows: Rows, door: PaymentDoor, hand: HandOver) -> None:
        self._rows = rows
        self._door = door
        self._hand = hand

    async def deposit_back(self, deposit_id: str) -> bool:
        """The whole deposit, when no bill comes."""
        store = self._rows.store
        row = await store.read(store.get, "deposit", deposit_id=deposit_id)
        (paid, *_) = (*await store.read(deposits_of, store, deposit_id), None)
        if row is None or paid is None:
            return True
        return await self._give_back(deposit_id, row["hospital"], refund(paid, paid.left, "back", Timing.PRE_POST))

    async def _give_back(self, order_id: str, hospital: str, due: Due) -> bool:
        return await self._hand.over(await self._rows.link(order_id, hospital, due), due, None)

    async def of_undos(self, order_id: str) -> bool:
        """Cash legs of undos that ask for it: what nobody has paid yet is called off, what was paid goes back.

        Raises ``NotYet`` while the bill's own payment is still to be carried or may still move: what is owed back is unknown.
        """
        store = self._rows.store
        bill = await store.read(store.get, "bill", order_id=order_id)
        legs = await store.read(store.find, "undo_leg", {"order_id": order_id}, limit=1000)
        asked = [leg for leg in legs if leg["kind"] == "cash" and leg["state"] == "asked"]
        if bill is None or not asked:
            return True
        if await self._rows.to_collect(order_id):
            raise NotYet
        await self._call_off(order_id)
        done = [await self._undo(bill, leg) for leg in asked]
        return all(done)

    async def _call_off(self, order_id: str) -> None:
        """Raises ``NotYet`` while a payment may still move."""
        store, waits = self._rows.store, False
        for row in await store.read(open_payments, store, order_id):
            if row["state"] != State.CREATED:
                await self._door.void(row["settlement_id"])
            waits = True
        if waits:
            raise NotYet

    async def _undo(self, bill: Row, leg: Row) -> bool:
        store, undo_id = self._rows.store, leg["undo_id"]
        rows, timing = await self._rows.of(bill["order_id"]), Timing(bill["order_kind"] or Timing.PRE_PRE)
        before = refunds_of(rows, undo_id)
        if before:
            made = await self._tried_again(bill, undo_id, before, rows)
        else:
            paid = await store.read(taken_for, store, bill["order_id"])
            if sum(one.left for one in paid) < leg["amount"]:
                await self._without_channel(bill, leg, bool(paid))
                return True
            parts = enumerate(allocate(paid, leg["amount"]), 1)
            owed = [refund(one, part, refund_kind(undo_id, number), timing) for number, (one, part) in parts]
            made = await self._rows.make(bill["order_id"], bill["hospital"], owed, State.CREATED, "undo")
        done = [await self._refunded(row, _refund_of(row, rows, timing)) for row in made]
        return all(done)

    async def _tried_again(self, bill: Row, undo_id: str, before: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
        """A leg that is asked although a refund of it came to nothing was asked again by hand: that refund gets a successor."""
        made, timing = last_tries(before), Timing(bill["order_kind"] or Timing.PRE_PRE)
        failed = [row for row in made if State(row["state"]) in NOTHING_WENT]
        owed = [
            replace(_refund_of(row, rows, timing), row_kind=refund_kind(undo_id, number))
            for number, row in enumerate(failed, len(before) + 1)
        ]
        anew = (
            await self._rows.make(bill["order_id"], bill["hospital"], owed, State.CREATED, "undo-again") if owed else []
        )
        return [row for row in made if row not in failed] + anew

    async def _refunded(self, link: Row, due: Due) -> bool:
        if not await self._hand.over(link, due, None):
            return False
        now = await self._rows.row(link["order_id"], link["kind"])
        if now is not None and State(now["state"]) not in OPEN:
            await self._rows.ended(now)
        return True

    async def _without_channel(self, bill: Row, leg: Row, some: bool) -> None:
        """The counter took the money, so it gives it back; what nobody paid needs no giving back."""
        mine = [row for row in await self._rows.of(bill["order_id"]) if collects(row)]
        never = bool(mine) and all(row["state"] in (State.CLOSED, State.FAILED, State.DEFAULTED) for row in mine)
        state, cause = ("undone", "never-paid") if never and not some else ("manual", _AT_WINDOW)
        unit = Unit()
        await end_leg(self._rows.store, unit, leg["undo_id"], state, cause, now=self._rows.now())
        await self._rows.store.commit(unit)


def _refund_of(row: Row, rows: Sequence[Row], timing: Timing) -> Due:
    """A refund as its row says; what is no payment of the bill itself was one of its deposits."""
    kinds = {one["settlement_id"]: OrderKind(one["kind"].partition(":")[0]) for one in rows if collects(one)}
    kind = kinds.get(row["original"], OrderKind.DEPOSIT)
    return refund(Paid(row["original"], "", kind, row["channel"] or "", 0), row["amount"], row["kind"], timing)
