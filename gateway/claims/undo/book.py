"""An undo and its legs as they stand on disk, and the only way in which their states change."""

from dataclasses import dataclass
from typing import Any

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.states import ClaimState
from gateway.claims.undo.states import (
    LEG_ENDED,
    LEG_MACHINE,
    LEG_STUCK,
    UNDO_MACHINE,
    LegEvent,
    LegState,
    UndoEvent,
    UndoState,
)
from gateway.claims.work import Work
from gateway.claims.worklist import close_item, open_item
from gateway.store.api import AnyStore, Row

YIBAO, CASH = "yibao", "cash"


@dataclass(slots=True)
class Leg:
    """Money that one party gives back. ``amount`` in 分."""

    undo_id: str
    leg: str
    """``claim:<claim_id>``, ``yibao`` or ``cash``."""
    kind: str
    state: LegState
    cause: str
    act_id: str
    amount: int

    @property
    def ended(self) -> bool:
        return self.state in LEG_ENDED

    @property
    def stuck(self) -> bool:
        return self.state in LEG_STUCK

    @property
    def claim_id(self) -> str:
        return self.leg.removeprefix("claim:") if self.kind == "claim" else ""

    @property
    def item_id(self) -> str:
        return f"{self.undo_id}:{self.leg}"


@dataclass(slots=True)
class Undo:
    undo_id: str
    order_id: str
    scope: str
    state: UndoState
    was: str
    """The bill's state when it was frozen; empty before."""
    amount: int
    version: int
    created_at: int
    reason: str
    legs: list[Leg]

    @property
    def counter(self) -> bool:
        return self.scope == "counter"

    @property
    def called_off(self) -> bool:
        """A leg was given up before any was undone: then nothing is."""
        states = {leg.state for leg in self.legs}
        return LegState.GIVEN_UP in states and LegState.UNDONE not in states

    def in_order(self, bill: Bill) -> list[Leg]:
        """Insurers first, the last policy first; then 医保; cash last, because it can't be taken back."""
        seq = {str(claim.claim_id): claim.seq for claim in bill.claims}
        rank = {"claim": 0, YIBAO: 1, CASH: 2}
        return sorted(self.legs, key=lambda leg: (rank[leg.kind], -seq.get(leg.claim_id, 0)))


def read_undo(store: AnyStore, undo_id: str) -> Undo | None:
    row = store.get("undo", undo_id=undo_id)
    return None if row is None else undo_of(row, store.find("undo_leg", {"undo_id": undo_id}, limit=100))


def read_undos(store: AnyStore, order_id: str) -> list[Undo]:
    """Every undo of an order, the oldest first."""
    rows = store.find("undo", {"order_id": order_id}, limit=1000)
    legs = store.find("undo_leg", {"order_id": order_id}, limit=10_000)
    return [undo_of(row, [leg for leg in legs if leg["undo_id"] == row["undo_id"]]) for row in rows]


def undo_of(row: Row, legs: list[Row]) -> Undo:
    return Undo(
        undo_id=row["undo_id"],
        order_id=row["order_id"],
        scope=row["scope"],
        state=UndoState(row["state"]),
        was=row["was"] or "",
        amount=row["amount"],
        version=row["version"],
        created_at=row["created_at"],
        reason=row["reason"],
        legs=[
            Leg(
                one["undo_id"],
                one["leg"],
                one["kind"],
                LegState(one["state"]),
                one["cause"],
                one["act_id"],
                one["amount"],
            )
            for one in legs
        ],
    )


def cash_back(store: AnyStore, order_id: str) -> int:
    """分 that undos of the bill gave back in cash."""
    return store.sum("undo_leg", "amount", {"order_id": order_id, "kind": CASH, "state": LegState.UNDONE.value})


class UndoBook:
    """Changes of one undo, gathered in a ``Work``: each goes through its table and leaves a row."""

    def __init__(self, bill: Bill, undo: Undo, work: Work) -> None:
        self.bill = bill
        self.undo = undo
        self.work = work

    def add_leg(self, leg: str, amount: int) -> None:
        kind = leg.partition(":")[0]
        one = Leg(self.undo.undo_id, leg, kind, LegState.WAITING, "", "", amount)
        self.undo.legs.append(one)
        self.work.unit.insert(
            "undo_leg", order_id=self.undo.order_id, **self._columns(one), leg=leg, undo_id=one.undo_id
        )

    def move_leg(self, leg: Leg, event: LegEvent, cause: str, act_id: str | None = None) -> None:
        """Raises ``Conflict`` for a transition that the table has not."""
        before, after = leg.state, LEG_MACHINE.after(leg.state, event)
        new_act = leg.act_id if act_id is None else act_id
        if after is before and new_act == leg.act_id:
            return
        leg.state, leg.cause, leg.act_id = after, cause, new_act
        key = {"undo_id": leg.undo_id, "leg": leg.leg}
        self.work.unit.update("undo_leg", key, expect={"state": before.value}, **self._columns(leg))
        self.work.changed(self.bill, self.claim(leg), f"undo_leg.{leg.kind}", before, after, cause, leg.act_id)
        if leg.stuck:
            self.put_on_list(leg)
        elif before in LEG_STUCK:
            close_item(self.work.unit, leg.item_id)

    def put_on_list(self, leg: Leg) -> None:
        claim = self.claim(leg)
        insurer = "" if claim is None else claim.insurer
        kind = "recovery" if leg.state is LegState.RECOVERY else "undo-leg"
        open_item(
            self.work,
            leg.item_id,
            self.bill.order_id,
            leg.claim_id,
            insurer=insurer,
            kind=kind,
            why=leg.cause,
            amount=leg.amount,
        )

    def move_undo(self, event: UndoEvent, cause: str, **also: Any) -> None:
        """Raises ``Conflict`` for a transition that the table has not."""
        undo, before = self.undo, self.undo.state
        undo.state = UNDO_MACHINE.after(before, event)
        self.update(state=undo.state.value, **also)
        self.work.changed(self.bill, None, "undo.state", before, undo.state, cause)

    def update(self, **columns: Any) -> None:
        undo, now = self.undo, self.work.now()
        guard = {"version": undo.version}
        undo.version += 1
        self.work.unit.update(
            "undo", {"undo_id": undo.undo_id}, expect=guard, version=undo.version, updated_at=now, **columns
        )

    def claim(self, leg: Leg) -> ClaimRun | None:
        return next((claim for claim in self.bill.claims if claim.claim_id == leg.claim_id), None)

    def advise_again(self, undone: ClaimRun) -> None:
        """What later policies decided rested on an earlier one's money: they are marked for a new run, never changed silently."""
        gone = {leg.claim_id for leg in self.undo.legs if leg.ended}
        for later in self.bill.claims:
            if later.seq > undone.seq and later.state is ClaimState.DECIDED and later.claim_id not in gone:
                self.work.changed(self.bill, later, "claim.run-again", "", "advised", self.undo.undo_id)
                self.work.event(self.bill, "claim-run-again")

    def _columns(self, leg: Leg) -> dict[str, Any]:
        return {
            "kind": leg.kind,
            "state": leg.state.value,
            "cause": leg.cause,
            "act_id": leg.act_id,
            "amount": leg.amount,
            "updated_at": self.work.now(),
        }
