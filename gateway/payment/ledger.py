"""The payment room's rows: an order, what was tried for it, and the receipt that ends it."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.kernel.clock import Clock
from gateway.kernel.ids import ActId, new_act_id
from gateway.payment.model import COLLECTING, Leg, LegKind, OrderKind, PaymentOrder, Receipt, Result, Timing
from gateway.payment.schedule import day_of
from gateway.payment.states import DUE, HOLDS, UNDER_WAY, State, require_step
from gateway.store.api import AnyStore, Row
from gateway.store.tables import Value
from gateway.store.unit import Unit

ROOM = "ROOM"
"""``source`` of an order that the room made itself."""
NEVER = 0
"""``next_at`` of an order with nothing left to do."""


_OPTIONAL = ("account_token", "original", "beside", "payer_token", "per_act", "per_day")


@dataclass(frozen=True, slots=True)
class Standing:
    """One order as read: the row's version guards every change that follows from it."""

    order: PaymentOrder
    state: State
    version: int
    attempt: int = 1
    """Which attempt under the same settlement id: another account, another day's deduction."""
    refunded: int = 0
    """分 that refunds took or may still take."""
    until: int = NEVER

    @property
    def settlement_id(self) -> str:
        return self.order.settlement_id

    @property
    def number(self) -> str:
        """What the channel knows it by: a channel answers a used number with its first result for ever."""
        return self.settlement_id if self.attempt == 1 else f"{self.settlement_id}-{self.attempt}"


@dataclass(frozen=True, slots=True)
class Tried:
    """One act towards the channel, how often it was tried and when last (epoch milliseconds)."""

    act_id: ActId
    attempts: int
    sent_at: int


class Ledger:
    def __init__(self, store: AnyStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._tapped: set[str] = set(self._several())
        """Debts with more than one order. One process has the database, so memory knows them all: a plain order asks nothing."""

    def _several(self) -> Iterator[str]:
        after: tuple[Value, ...] | None = None
        while rows := self.store.find("payment_order", {"beside": ("!=", None)}, limit=1000, after=after):
            yield from (row["beside"] for row in rows)
            after = (rows[-1]["settlement_id"],)

    def now(self) -> int:
        """Epoch milliseconds."""
        return int(self.clock.now().timestamp() * 1000)

    def standing(self, settlement_id: str) -> Standing | None:
        row = self.store.get("payment_order", settlement_id=settlement_id)
        return None if row is None else self._standing(row)

    def _standing(self, row: Row) -> Standing:
        known = (row["attempt"] or 1, row["refunded"] or 0, row["until"] or NEVER)
        return Standing(self._order(row), State(row["state"]), row["version"], *known)

    def _order(self, row: Row) -> PaymentOrder:
        legs = self.store.find("leg", {"settlement_id": row["settlement_id"]}, limit=10)
        given = {name: row[name] for name in _OPTIONAL if row[name] is not None}
        return PaymentOrder(
            settlement_id=row["settlement_id"],
            kind=OrderKind(row["kind"]),
            amount=row["amount"],
            legs=tuple(Leg(kind=LegKind(leg["kind"]), amount=leg["amount"]) for leg in legs),
            source=row["source_ref"],
            timing=Timing(row["timing"] or Timing.PRE_PRE),
            channel=row["channel"],
            **given,
        )

    def taken(self, unit: Unit, order: PaymentOrder, state: State = State.ACCEPTED, next_at: int = 0) -> None:
        """A new order with its channel, due at once or at ``next_at``. Committing it twice raises ``Duplicate``."""
        now = self.now()
        unit.insert(
            "payment_order",
            settlement_id=order.settlement_id,
            kind=order.kind.value,
            amount=order.amount,
            channel=order.channel or "",
            state=state.value,
            version=0,
            created_at=now,
            updated_at=now,
            next_at=next_at or now,
            source_ref=order.source,
            timing=order.timing.value,
            **{name: getattr(order, name) or None for name in _OPTIONAL},
        )
        if order.beside:
            self._tapped.add(order.beside)
        for number, leg in enumerate(order.legs, start=1):
            unit.insert(
                "leg",
                settlement_id=order.settlement_id,
                leg_no=number,
                kind=leg.kind.value,
                amount=leg.amount,
                state="stated",
            )
        self._changed(unit, order.settlement_id, "", state, "order-taken")

    def beside(self, order: PaymentOrder) -> list[Standing]:
        """The other orders for the same debt."""
        first = order.beside or order.settlement_id
        if first not in self._tapped:
            return []
        rows = self.store.find("payment_order", {"beside": first}, limit=50)
        if order.beside:
            rows += self.store.find("payment_order", {"settlement_id": first}, limit=1)
        return [self._standing(row) for row in rows if row["settlement_id"] != order.settlement_id]

    def counted(self, order: PaymentOrder) -> int:
        """分 of this payer through this channel today: what was paid and what may have been."""
        held = [state.value for state in HOLDS]
        mine: dict[str, Any] = {"payer_token": order.payer_token or "", "channel": order.channel or ""}
        collected = [kind.value for kind in COLLECTING]
        today = {"sent_day": day_of(self.clock.now()), "state": ("in", held), "kind": ("in", collected)}
        return self.store.sum("payment_order", "amount", mine | today)

    def has_default(self, payer_token: str) -> bool:
        return bool(self.store.find("payer_default", {"payer_token": payer_token}, limit=1))

    def defaulted(self, unit: Unit, order: PaymentOrder) -> None:
        unit.insert(
            "payer_default", payer_token=order.payer_token or "", settlement_id=order.settlement_id, at=self.now()
        )

    def due(self, limit: int) -> list[str]:
        """Orders whose time has come, oldest first."""
        rows = self.store.find(
            "payment_order",
            {"state": ("in", [state.value for state in DUE]), "next_at": ("<=", self.now())},
            order_by="next_at",
            limit=limit,
        )
        return [row["settlement_id"] for row in rows]

    def misdated(self, beyond: int, limit: int) -> list[str]:
        """Orders under way that are due in more than ``beyond`` milliseconds."""
        far = {"state": ("in", [state.value for state in UNDER_WAY]), "next_at": (">", self.now() + beyond)}
        rows = self.store.find("payment_order", far, order_by="next_at", limit=limit)
        return [row["settlement_id"] for row in rows]

    def move(
        self, unit: Unit, standing: Standing, state: State, next_at: int, cause: str, **more: int | str
    ) -> Standing:
        """Change an order's state and ``more`` of its columns, guarded by its version.

        The returned standing holds once the unit is committed. Raises ``Conflict`` (``illegal-transition``).
        """
        require_step(standing.state, state)
        changes: dict[str, Value] = {"state": state.value, "next_at": next_at, "updated_at": self.now(), **more}
        unit.update(
            "payment_order",
            {"settlement_id": standing.settlement_id},
            expect={"version": standing.version},
            version=standing.version + 1,
            **changes,
        )
        if state is not standing.state:
            self._changed(unit, standing.settlement_id, standing.state, state, cause)
        known = {name: int(more[name]) for name in ("attempt", "refunded", "until") if name in more}
        order = msgspec.structs.replace(standing.order, **{n: more[n] for n in ("account_token",) if n in more})
        return dataclasses.replace(standing, order=order, state=state, version=standing.version + 1, **known)

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

    def receipt(
        self, unit: Unit, settlement_id: str, result: Result, amount: int, reason: str = "", original: str = ""
    ) -> None:
        """``original``: only for an order that the room made itself, so that its reader can tell what it belongs to."""
        more = {name: value for name, value in (("reason", reason), ("original", original)) if value}
        told = {"settlement_id": settlement_id, "result": result.value, "amount": amount, "at": self.now()}
        unit.insert("receipt", **told, **more)

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
                **{name: row[name] for name in ("reason", "original") if row[name] is not None},
            )
            for row in rows
        )

    def own_making(self, settlement_id: str) -> bool:
        """Whether the room made this order itself: a refund beside a receipt of ``double``."""
        row = self.store.get("payment_order", settlement_id=settlement_id)
        return row is not None and row["source_ref"] == ROOM

    def nonce(self, unit: Unit, value: str, expires_at: int) -> None:
        """Use a nonce up; the commit raises ``Duplicate`` when it was used before."""
        unit.insert_new("nonce", scope="clearing", value=value, expires_at=expires_at)

    def forget_nonces(self, unit: Unit) -> None:
        unit.delete("nonce", {"expires_at": ("<", self.now())})
