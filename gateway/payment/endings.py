"""How an order ends: the state, the receipt, and what follows for the orders it is tied to."""

from datetime import timedelta

from msgspec import UNSET

from gateway.kernel.ids import new_settlement_id
from gateway.payment.gate import PAID_FIRST
from gateway.payment.ledger import NEVER, ROOM, Ledger, Standing
from gateway.payment.metrics import Metrics
from gateway.payment.model import COLLECTING, OWN, Leg, OrderKind, PaymentOrder, Result
from gateway.payment.schedule import Schedule, millis
from gateway.payment.states import State
from gateway.store.unit import Unit

_WAITS = frozenset({State.ACCEPTED, State.SCHEDULED, State.PUSHED, State.WARNED})


class Endings:
    """Each method only adds rows to the unit; call them under the lock of the order's debt."""

    def __init__(self, ledger: Ledger, metrics: Metrics, schedule: Schedule, watch: timedelta) -> None:
        """``watch``: how long a paid payout may still come back; it is asked about six times in it."""
        self._ledger = ledger
        self._metrics = metrics
        self._schedule = schedule
        self._watch = watch
        self.watch_every = int(watch.total_seconds() * 1000) // 6
        """Milliseconds."""

    def end(self, unit: Unit, standing: Standing, result: Result, amount: int, cause: str) -> None:
        """The order's last state for now and its receipt. ``amount``: what the channel says that it moved (分)."""
        self._ledger.move(unit, standing, State(result.value), NEVER, cause)
        self._receipt(unit, standing, result, amount, "" if result is Result.PAID else cause)
        if standing.order.kind is OrderKind.REFUND and result in (Result.FAILED, Result.REFUSED):
            self._give_back(unit, standing.order)

    def failed(self, unit: Unit, standing: Standing, cause: str) -> None:
        """No money moved. A pay-later order has another day, or what is left of its last one."""
        if standing.order.kind is not OrderKind.CREDIT:
            self.end(unit, standing, Result.FAILED, 0, cause)
            return
        attempt, now = standing.attempt + 1, self._ledger.clock.now()
        if self._schedule.is_last(standing.attempt):
            until = standing.until or millis(self._schedule.deadline(now))
            self._ledger.move(unit, standing, State.WARNED, until, cause, attempt=attempt, until=until)
        else:
            push = millis(self._schedule.next_push(now))
            self._ledger.move(unit, standing, State.SCHEDULED, push, cause, attempt=attempt)

    def paid(self, unit: Unit, standing: Standing) -> None:
        """The first commit wins; what is paid after it goes back by itself."""
        order = standing.order
        others = self._ledger.beside(order) if order.kind in COLLECTING else []
        if any(one.state in PAID_FIRST for one in others):
            self._paid_twice(unit, standing)
            return
        if order.kind is OrderKind.PAYOUT and self._watch:
            until = millis(self._ledger.clock.now() + self._watch)
            self._ledger.move(
                unit, standing, State.CREDITED, self._ledger.now() + self.watch_every, "channel-paid", until=until
            )
            self._receipt(unit, standing, Result.PAID, order.amount, "")
        else:
            self.end(unit, standing, Result.PAID, order.amount, "channel-paid")
        for other in others:
            if other.state in _WAITS:
                self._ledger.move(unit, other, other.state, self._ledger.now(), "paid-another-way")

    def _paid_twice(self, unit: Unit, standing: Standing) -> None:
        order = standing.order
        self._ledger.move(unit, standing, State.DOUBLE, NEVER, "paid-twice", refunded=order.amount)
        self._receipt(unit, standing, Result.DOUBLE, order.amount, "paid-twice")
        back = PaymentOrder(
            settlement_id=new_settlement_id(),
            kind=OrderKind.REFUND,
            amount=order.amount,
            legs=(Leg(kind=OWN[order.kind][0], amount=order.amount),),
            source=ROOM,
            timing=order.timing,
            channel=order.channel,
            original=order.settlement_id,
        )
        self._ledger.taken(unit, back)

    def _receipt(self, unit: Unit, standing: Standing, result: Result, amount: int, reason: str) -> None:
        order = standing.order
        original = order.original if order.source == ROOM and order.original is not UNSET else ""
        self._ledger.receipt(unit, order.settlement_id, result, amount, reason, original)
        self._metrics.ended(order.kind.value, result.value)

    def _give_back(self, unit: Unit, refund: PaymentOrder) -> None:
        """A refund that did not happen takes nothing of its original."""
        original = self._ledger.standing(refund.original or "")
        if original is not None:
            left = original.refunded - refund.amount
            self._ledger.move(unit, original, original.state, NEVER, "refund-failed", refunded=left)
