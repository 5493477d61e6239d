"""Takes an order in: known already, sound, allowed by its channel's rules, and within what its original can give back."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gateway.kernel.errors import Conflict, NotFound
from gateway.payment.capabilities import Capabilities, require_able
from gateway.payment.gate import credit_refused
from gateway.payment.ledger import Ledger
from gateway.payment.model import NewAccount, OrderKind, PaymentOrder, Result, require_order
from gateway.payment.schedule import Schedule, millis
from gateway.payment.states import HOLDS, TOOK, State
from gateway.store.errors import Duplicate, StaleWrite
from gateway.store.unit import Unit

Commit = Callable[[Unit], Awaitable[None]]
_WAITS = (State.ACCOUNT, State.RETURNED)
_UNSENT = (State.ACCEPTED, State.SCHEDULED, State.PUSHED, State.WARNED)


class Desk:
    def __init__(self, ledger: Ledger, channels: Mapping[str, Capabilities], usual: str, schedule: Schedule) -> None:
        """``usual`` is the channel of an order that names none."""
        self.ledger = ledger
        self._channels = channels
        self._usual = usual
        self._schedule = schedule

    async def take(self, unit: Unit, order: PaymentOrder, commit: Commit) -> bool:
        """True for a new order, false for one that is known. Raises ``BadMoney``, or ``Conflict`` with the rule's code."""
        require_order(order)
        order = msgspec.structs.replace(order, channel=order.channel or self._usual)
        if not self._known(order):
            self._require_allowed(order)
            self._reserve(unit, order)
            self._enter(unit, order)
            try:
                await commit(unit)
            except (Duplicate, StaleWrite):
                if not self._known(order):
                    raise
                return False
            return True
        await commit(unit)
        return False

    def _known(self, order: PaymentOrder) -> bool:
        standing = self.ledger.standing(order.settlement_id)
        if standing is None:
            return False
        same = msgspec.structs.replace(standing.order, account_token=order.account_token)
        if same != order:  # a payout's account may have been changed since
            raise Conflict("this settlement id carries another order", hint="An order never changes; use a new id.")
        return True

    def _require_allowed(self, order: PaymentOrder) -> None:
        capabilities = self._channels.get(order.channel or "")
        if capabilities is None:
            raise Conflict(
                "this payment room does not have the channel",
                code="channel-not-offered",
                hint="Name it in the room's settings, or use another channel.",
            )
        require_able(capabilities, order)
        if credit_refused(self.ledger, order):
            raise Conflict(
                "an earlier pay-later order of this payer was never paid",
                code="credit-default",
                hint="Ask the patient to pay first.",
            )

    def _enter(self, unit: Unit, order: PaymentOrder) -> None:
        if order.kind is OrderKind.CREDIT:
            push = self._schedule.next_push(self.ledger.clock.now())
            self.ledger.taken(unit, order, State.SCHEDULED, millis(push))
        else:
            self.ledger.taken(unit, order)

    def _reserve(self, unit: Unit, order: PaymentOrder) -> None:
        """A refund takes its amount of the original at once, so that all refunds together never pass it."""
        if order.kind is not OrderKind.REFUND:
            return
        original = self.ledger.standing(order.original or "")
        if original is None or original.state not in TOOK or original.order.kind is OrderKind.REFUND:
            raise Conflict(
                "there is no paid order to give back",
                code="refund-of-nothing",
                hint="Ask for it once the original is known to be paid.",
            )
        if original.order.channel != order.channel:
            raise Conflict(
                "money goes back the way it came",
                code="refund-other-channel",
                hint="Name the original's channel.",
            )
        if original.refunded + order.amount > original.order.amount:
            raise Conflict(
                "refunds would pass the original",
                code="refund-over-original",
                hint="Give back at most what is left of it.",
            )
        taken = original.refunded + order.amount
        self.ledger.move(unit, original, original.state, 0, "refund-taken", refunded=taken)

    def void(self, unit: Unit, settlement_id: str) -> None:
        """Call an order off of which nothing was sent. Raises ``Conflict`` while bytes are or may be out, and once paid."""
        standing = self.ledger.standing(settlement_id)
        if standing is None:
            raise NotFound("no such order", code="order-unknown")
        if standing.state in _UNSENT:
            self.ledger.move(unit, standing, State.CLOSED, 0, "called-off")
            self.ledger.receipt(unit, settlement_id, Result.CLOSED, 0, "called-off")
        elif standing.state in HOLDS:
            raise Conflict(
                "money moved or may have moved for this order",
                code="order-under-way",
                hint="Wait for its receipt; what was paid is refunded.",
            )

    def rebind(self, unit: Unit, settlement_id: str, account: NewAccount) -> bool:
        """Begin a payout anew under its id. False when this account is its own already; raises ``Conflict`` while the
        outcome of the last attempt is open: a second payment is forbidden until it is final."""
        standing = self.ledger.standing(settlement_id)
        if standing is None:
            raise NotFound("no such payout", code="payout-unknown")
        if standing.state not in _WAITS:
            if standing.order.account_token == account.account_token and standing.attempt > 1:
                return False
            raise Conflict(
                "this payout waits for no account",
                code="payout-not-waiting",
                hint="Only a payout whose account was wrong, or that came back, takes another one.",
            )
        self.ledger.move(
            unit,
            standing,
            State.ACCEPTED,
            self.ledger.now(),
            "account-changed",
            attempt=standing.attempt + 1,
            account_token=account.account_token,
        )
        return True
