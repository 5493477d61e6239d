"""What the demonstration saw, held against what must be: the expected 分 of every policy and of every payment order."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gateway.cli.nearby import ask_nearby
from gateway.cli.stage import Stage


@dataclass
class Told:
    """One bill, what the door said about it and how long that took."""

    bill: Any
    status: int
    document: dict[str, Any]
    ms: float

    @property
    def due(self) -> Counter[int]:
        """Amounts that the payment channel must be told of: the patient's share of a direct-pay, the payout of a quick-claim."""
        if self.document.get("kind") == "direct_pay":
            amount = self.document["self_pay_due_fen"]
        else:
            amount = self.document.get("approved_fen", 0)
        return Counter([amount]) if amount else Counter()


@dataclass
class Tally:
    bills: list[Told] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    marks_found: int = -1

    @property
    def ok(self) -> bool:
        return not self.problems()

    def problems(self) -> list[str]:
        wrong = [problem for told in self.bills for problem in _bill_problems(told)]
        due: Counter[int] = Counter()
        for told in self.bills:
            due += told.due
        seen = Counter(order["amount_fen"] for order in self.orders)
        if seen != due:
            missing, extra = sorted((due - seen).elements()), sorted((seen - due).elements())
            wrong.append(f"payment orders differ: missing {missing}, too many {extra} (分)")
        if any(order["times_applied"] != 1 for order in self.orders):
            wrong.append("an order was paid more than once")
        if self.marks_found:
            wrong.append(f"{self.marks_found} planted marks on the payment side")
        return wrong

    async def collect_orders(self, stage: Stage, patience_s: float = 20.0) -> None:
        """Wait until the payment channel has every order, and keep what it knows of them."""
        due = sum((told.due for told in self.bills), Counter[int]())
        until = time.monotonic() + patience_s
        while True:
            self.orders = await asyncio.to_thread(_ledger, stage)
            if len(self.orders) >= due.total() or time.monotonic() > until:
                return
            await asyncio.sleep(0.1)

    def as_json(self) -> dict[str, Any]:
        claims = [
            {
                "insurer": claim["insurer"],
                "protocol": claim["protocol"],
                "seal": claim["seal"],
                "kind": claim["kind"],
                "outcome": claim["outcome"] or claim["state"],
                "approved_fen": claim["approved_fen"],
                "total_fen": told.document["total_fen"],
                "order_id": told.document["order_id"],
                "ms": round(told.ms, 1),
            }
            for told in self.bills
            for claim in told.document.get("claims", [])
        ]
        return {"claims": claims, "orders": self.orders, "marks_on_payment_side": self.marks_found, "ok": self.ok}


def _bill_problems(told: Told) -> list[str]:
    name = f"bill {told.bill.number} ({told.bill.en})"
    if told.status != 200 or told.document.get("state") != "decided":
        code = told.document.get("code", told.document.get("state"))
        return [f"{name}: answered {told.status} {code} {told.document.get('fields', '')}"]
    claims = told.document["claims"]
    got = [(claim["insurer"], claim["outcome"], claim["approved_fen"]) for claim in claims]
    must = [(one.insurer, one.outcome, one.approved_fen) for one in told.bill.expected]
    wrong = [] if got == must else [f"{name}: expected {must}, got {got}"]
    approved = sum(claim["approved_fen"] for claim in claims)
    if approved != told.document["approved_fen"]:
        wrong.append(f"{name}: the policies' amounts do not add up to the bill's")
    return wrong


def _ledger(stage: Stage) -> list[dict[str, Any]]:
    told = ask_nearby(f"https://localhost:{stage.ports['pay']}/_ledger", stage.keys / "ca.cert.pem")
    settlements = json.loads(told)["settlements"]
    kept = ("reference", "amount_fen", "times_applied", "state")
    return [{name: one[name] for name in kept} for one in settlements]
