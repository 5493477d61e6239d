"""The payment room's rows: an order, what was tried for it, and the receipt that ends it."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import UNSET

from gateway.kernel.clock import Clock
from gateway.kernel.ids import ActId, new_act_id
from gateway.payment.model import Leg, LegKind, OrderKind, PaymentOrder, Receipt, Result
from gateway.store.api import AnyStore, Row
from gateway.store.unit import Unit


class State(StrEnum):
    """Where an order stands with the channel."""

    ACCEPTED = "accepted"
    """Nothing was sent, or what was sent is proven never to have arrived."""
    SENDING = "sending"
    """The act row is durable; bytes may be out. Found at a start, it means unknown."""
    UNKNOWN = "unknown"
    PENDING = "pending"
    """The channel has it and is not done."""
    PAID = "paid"
    FAILED = "failed"
    DISPUTED = "disputed"


LIVE = (State.ACCEPTED, State.SENDING, State.UNKNOWN, State.PENDING)
NEVER = 0
"""``next_at`` of an order with nothing left to do."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One order as read: the row's version guards every change that follows from it."""

    order: PaymentOrder
    state: State
    version: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One act towards the channel, how often it was tried and when last (epoch milliseconds)."""

    act_id: ActId
    attempts: int
    sent_at: int


class Ledger:
    def __init__(self, store: AnyStore, clock: Clock, channel: str) -> None:
        self.store = store
        self._clock = clock
        self._channel = channel

    def now(self) -> int:
        """Epoch milliseconds."""
        return int(self._clock.now().timestamp() * 1000)

    def standing(self, settlement_id: str) -> Standing | None:
        row = self.store.get("payment_order", settlement_id=settlement_id)
        if row is None:
            return None
        return Standing(self._order(row), State(row["state"]), row["version"])

    def _order(self, row: Row) -> PaymentOrder:
        legs = self.store.find("leg", {"settlement_id": row["settlement_id"]}, limit=10)
        return PaymentOrder(
            settlement_id=row["settlement_id"],
            kind=OrderKind(row["kind"]),
            amount=row["amount"],
            legs=tuple(Leg(kind=LegKind(leg["kind"]), amount=leg["amount"]) for leg in legs),
            source=row["source_ref"],
            account_token=UNSET if row["account_token"] is None else row["account_token"],
        )

    def taken(self, unit: Unit, order: PaymentOrder) -> None:
        """A new order, due at once. Committing it twice raises ``Duplicate``."""
        now = self.now()
        unit.insert(
            "payment_order",
            settlement_id=order.settlement_id,
            kind=order.kind.value,
            amount=order.amount,
            channel=self._channel,
            state=State.ACCEPTED.value,
            version=0,
            created_at=now,
            updated_at=now,
            next_at=now,
            source_ref=order.source,
            account_token=None if order.account_token is UNSET else order.account_token,
        )
        for number, leg in enumerate(order.legs, start=1):
            unit.insert(
                "leg",
                settlement_id=order.settlement_id,
                leg_no=number,
                kind=leg.kind.value,
                amount=leg.amount,
                state="stated",
            )
        self._changed(unit, order.settlement_id, "", State.ACCEPTED, "order-taken")

    def due(self, limit: int) -> list[str]:
        """Orders whose time has come, oldest first."""
        rows = self.store.find(
            "payment_order",
            {"state": ("in", [state.value for state in LIVE]), "next_at": ("<=", self.now())},
            order_by="next_at",
            limit=limit,
        )
        return [row["settlement_id"] for row in rows]

    def move(self, unit: Unit, standing: Standing, state: State, next_at: int, cause: str) -> Standing:
        """Change an order's state, guarded by its version. The returned standing holds once the unit is committed."""
        unit.update(
            "payment_order",
            {"settlement_id": standing.order.settlement_id},
            expect={"version": standing.version},
            state=state.value,
            version=standing.version + 1,
            updated_at=self.now(),
            next_at=next_at,
        )
        if state is not standing.state:
            self._changed(unit, standing.order.settlement_id, standing.state, state, cause)
        return Standing(standing.order, state, standing.version + 1)

    def _changed(self, unit: Unit, settlement_id: str, old: str, new: State, cause: str) -> None:
        unit.insert(
            "change",
            settlement_id=settlement_id,
            field="state",
            old=str(old),
            new=new.value,
            cause=cause,
            at=self.now(),
        )

    def tried(self, settlement_id: str, name: str) -> Tried | None:
        """What is known of an order's act of this name; None when it was never tried."""
        rows = self.store.find("channel_act", {"settlement_id": settlement_id, "name": name}, limit=1)
        if not rows:
            return None
        return Tried(ActId(rows[0]["act_id"]), rows[0]["attempts"], rows[0]["sent_at"])

    def trying(self, unit: Unit, settlement_id: str, name: str, before: Tried | None) -> Tried:
        """The act row of the next attempt, committed before the first byte leaves. All attempts keep one act id."""
        now = self.now()
        if before is None:
            act = Tried(new_act_id(), 1, now)
            unit.insert(
                "channel_act",
                act_id=act.act_id,
                settlement_id=settlement_id,
                name=name,
                state="sent",
                outcome="",
                attempts=1,
                sent_at=now,
                answered_at=NEVER,
                next_at=NEVER,
            )
            return act
        attempts = before.attempts + 1
        unit.update("channel_act", {"act_id": before.act_id}, state="sent", attempts=attempts, sent_at=now)
        return Tried(before.act_id, attempts, now)

    def ended(self, unit: Unit, act: Tried, outcome: str) -> None:
        """What the last attempt came to."""
        unit.update("channel_act", {"act_id": act.act_id}, state="ended", outcome=outcome, answered_at=self.now())

    def receipt(self, unit: Unit, settlement_id: str, result: Result, amount: int) -> None:
        unit.insert("receipt", settlement_id=settlement_id, result=result.value, amount=amount, at=self.now())

    def receipts(self, after: int, limit: int) -> tuple[Receipt, ...]:
        """Receipts with a higher number, in order."""
        rows = self.store.find("receipt", {"seq": (">", after)}, order_by="seq", limit=limit)
        return tuple(
            Receipt(
                seq=row["seq"],
                settlement_id=row["settlement_id"],
                result=Result(row["result"]),
                amount=row["amount"],
                at=row["at"],
            )
            for row in rows
        )

    def nonce(self, unit: Unit, value: str, expires_at: int) -> None:
        """Use a nonce up; the commit raises ``Duplicate`` when it was used before."""
        unit.insert_new("nonce", scope="clearing", value=value, expires_at=expires_at)

    def forget_nonces(self, unit: Unit) -> None:
        unit.delete("nonce", {"expires_at": ("<", self.now())})
