"""The insurer's own books: every settlement, and how often money was applied for its bill."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.kernel.clock import Clock, SystemClock
from gateway.sandbox.terms import Product, Residuals


@dataclass(slots=True)
class Settlement:
    reference: str
    """The insurer's number."""
    bill: str
    """What the money is for: the same bill paid under two references is a double payment."""
    policy_no: str
    terms: Product
    our_refs: dict[str, str]
    amount_fen: int = 0
    state: str = "open"
    """open | settled | refused | cancelled | refunded"""
    paid_out: bool = False
    """The money has left the insurer: it takes nothing back by a message any more."""


@dataclass(frozen=True, slots=True)
class Move:
    """Money that moved: what the daily statement lists."""

    kind: str
    """pay | refund"""
    settlement: Settlement
    amount_fen: int
    at: datetime
    number: str = ""
    """Our number for this movement, where it has one besides the settlement's."""


@dataclass(slots=True)
class Ledger:
    residuals: Residuals = field(default_factory=Residuals)
    clock: Clock = field(default_factory=SystemClock)
    moves: list[Move] = field(default_factory=list)
    _settlements: dict[str, Settlement] = field(default_factory=dict)
    _applied: Counter[str] = field(default_factory=Counter)

    def open(self, settlement: Settlement) -> Settlement:
        """Enter a settlement that moves no money yet."""
        if settlement.reference in self._settlements:
            raise ValueError("the reference is already in the books")
        return self._settlements.setdefault(settlement.reference, settlement)

    def find(self, reference: str) -> Settlement | None:
        return self._settlements.get(reference)

    def apply(self, settlement: Settlement, amount_fen: int) -> None:
        """Money moves: the policy pays, and the bill is counted as paid once more."""
        self.residuals.take(settlement.policy_no, settlement.terms, amount_fen)
        self._applied[settlement.bill] += 1
        settlement.amount_fen, settlement.state = amount_fen, "settled"
        self.moves.append(Move("pay", settlement, amount_fen, self.clock.now()))

    def pay_out(self, policy_no: str) -> int:
        """The insurer's transfer run: what stands settled for this policy has left the house. Returns how many."""
        mine = [one for one in self._settlements.values() if one.policy_no == policy_no and one.state == "settled"]
        for one in mine:
            one.paid_out = True
        return len(mine)

    def undo(self, settlement: Settlement, state: str, *, listed: bool = True) -> None:
        """The policy gets its money back; ``state`` says how (cancelled, refunded). Not ``listed``: its parts were."""
        self.residuals.give_back(settlement.policy_no, settlement.terms, settlement.amount_fen)
        self._applied[settlement.bill] -= 1
        settlement.state = state
        if listed:
            self.gave_back(settlement, settlement.amount_fen)

    def gave_back(self, settlement: Settlement, amount_fen: int, number: str = "") -> None:
        """A movement for the daily statement."""
        self.moves.append(Move("refund", settlement, amount_fen, self.clock.now(), number))

    def times_applied(self, settlement: Settlement) -> int:
        """How often money stands applied for the bill of a settlement; 0 while it is open, undone or refused."""
        return self._applied[settlement.bill] if settlement.state == "settled" else 0

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "reference": one.reference,
                "our_refs": one.our_refs,
                "policy_no": one.policy_no,
                "amount_fen": one.amount_fen,
                "times_applied": self.times_applied(one),
                "state": one.state,
                "paid_out": one.paid_out,
            }
            for one in self._settlements.values()
        ]
