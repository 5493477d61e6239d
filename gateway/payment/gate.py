"""The last question before an order's first byte: do the channel's rules, the payer's limits and the debt still allow it?"""

import asyncio
from weakref import WeakValueDictionary

from gateway.payment.capabilities import Capabilities, least
from gateway.payment.ledger import Ledger, Standing
from gateway.payment.model import COLLECTING, OrderKind, PaymentOrder
from gateway.payment.states import TOOK, State

PAID_ANOTHER_WAY = "paid-another-way"
WAIT = "another-tap-unknown"
"""Another order for the same debt is not known yet: this one is not sent before it is."""


PAID_FIRST = TOOK - {State.DOUBLE}
"""States of an order that has paid its debt for good."""


class Locks:
    """One lock per name, kept while somebody holds it. One process has the database, so these are all the locks there are."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


def debt(order: PaymentOrder) -> str:
    """Names the debt that an order pays: of all its orders only one may stand paid."""
    return order.beside or order.settlement_id


def stopped(ledger: Ledger, capabilities: Capabilities, standing: Standing) -> str:
    """Why the order may not be sent now, as a stable code; empty when it may. Ask under the payer's lock."""
    order = standing.order
    if order.kind in COLLECTING:
        others = {one.state for one in ledger.beside(order)}
        if others & PAID_FIRST:
            return PAID_ANOTHER_WAY
        if others & {State.SENDING, State.UNKNOWN}:
            return WAIT
    return capabilities.for_order(order) or _over_day(ledger, capabilities, order)


def _over_day(ledger: Ledger, capabilities: Capabilities, order: PaymentOrder) -> str:
    most = least(capabilities.limits.per_day, order.per_day or 0)
    if order.kind not in COLLECTING or not most or not order.payer_token:
        return ""
    return "limit-per-day" if ledger.counted(order) + order.amount > most else ""


def credit_refused(ledger: Ledger, order: PaymentOrder) -> bool:
    """Who left a pay-later order unpaid pays first the next time."""
    return order.kind is OrderKind.CREDIT and ledger.has_default(order.payer_token or "")
