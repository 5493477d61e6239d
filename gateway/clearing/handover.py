"""Hands one payment order to the payment room and writes what it said."""

from collections.abc import Sequence

from gateway.clearing.door import PaymentDoor
from gateway.clearing.orders import Due, payment_order
from gateway.clearing.plan import Wish
from gateway.clearing.rows import Rows, settlement_id
from gateway.kernel.outcome import Answered, Refused
from gateway.kernel.settlements import State
from gateway.payment.model import OrderKind
from gateway.store.api import Row

SOURCE = "LIANPEI"
"""Who we are to a payment channel; the same for every hospital, so that it tells none."""


class HandOver:
    def __init__(self, rows: Rows, door: PaymentDoor) -> None:
        self._rows = rows
        self._door = door

    async def over(self, link: Row, due: Due, wish: Wish | None, before: Sequence[Row] = ()) -> bool:
        """True once the payment room has the order or will never take it. ``before``: rows of the same debt."""
        if link["state"] != State.CREATED:
            return True
        first = min((*before, link), key=_rung)  # not by time: a clock may have been wrong
        beside = first["settlement_id"] if first["kind"] != link["kind"] else ""
        outcome = await self._door.place(payment_order(due, settlement_id(link), SOURCE, wish, beside))
        if isinstance(outcome, Answered):
            later = due.kind is OrderKind.CREDIT
            await self._rows.became(link, State.SCHEDULED if later else State.ORDERED, "order-taken")
            return True
        if isinstance(outcome, Refused):
            await self._rows.became(link, State.REFUSED, outcome.code)
            return True
        return False


def _rung(row: Row) -> str:
    """CREDIT < CREDIT:… < SELF_PAY < SELF_PAY:…, in which order a debt's rows are made."""
    return str(row["kind"])
