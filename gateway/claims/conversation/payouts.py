"""Watches the T+1 promise: what is not credited in time is told to the hospital, counted, and listed for a person.

It reads what is open anyway (claims that wait, bills with a timer, payouts on their way), so that a claim which is paid in
time costs nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.claims.conversation.clocks import ClockName, DayRule, Running, overdue
from gateway.claims.conversation.states import FINAL
from gateway.claims.ledger import Ledger
from gateway.claims.work import moment
from gateway.kernel.errors import LianpeiError
from gateway.kernel.ids import new_event_id
from gateway.store.api import Row
from gateway.telemetry.logs import get_logger

_EVERY_S = 60.0
_PAGE = 10_000
_AN_HOUR_MS = 3600 * 1000
_UNPAID = ("created", "ordered", "failed", "disputed", "refused", "account", "returned")
_log = get_logger("lianpei.payouts")


@dataclass(slots=True)
class PayoutWatch:
    ledger: Ledger
    rules: Mapping[ClockName, DayRule]

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.round()
            except LianpeiError as bad:
                _log.event("payouts-not-watched", code=bad.error_code)

    async def round(self) -> None:
        """Write down what became late, and close what was credited meanwhile."""
        running = await self.ledger.read(self._running)
        known = {(row["order_id"], row["clock"]) for row in await self.ledger.read(self._late)}
        now, work = self.ledger.clock.now(), self.ledger.work()
        for one in running:
            for name, due in overdue(one, dict(self.rules), now).items():
                if (one.order_id, name.value) in known:
                    continue
                bill = await self.ledger.read(self.ledger.bill_row, one.order_id)
                self._tell(work.unit, one, name, int(due.timestamp() * 1000), bill, work.now())
        still = {one.order_id for one in running}
        for order_id, clock in known:
            if order_id not in still:
                key = {"order_id": order_id, "clock": clock}
                work.unit.update("late", key, expect={"over_at": 0}, over_at=work.now())
        await work.flush()

    def _tell(self, unit: Any, one: Running, name: ClockName, due: int, bill: Row | None, now: int) -> None:
        row = {"order_id": one.order_id, "clock": name.value, "insurer": one.insurer}
        unit.insert("late", **row, due_at=due, seen_at=now, over_at=0)
        if bill is not None:
            event = {"event_id": new_event_id(), "hospital": bill["hospital"], "order_id": one.order_id}
            unit.insert("event", **event, kind="payout-late", at=now)

    def _late(self) -> list[Row]:
        return self.ledger.store.find("late", {"over_at": 0}, limit=_PAGE)

    def _running(self) -> list[Running]:
        """Quick-claims without a final word, and payouts that are not credited."""
        open_orders = {row["order_id"] for row in self._find("waiting", {"kind": "quick_claim"})}
        old = self.ledger.clock.epoch_ms() - _AN_HOUR_MS
        open_orders |= {row["order_id"] for row in self._find("bill", {"look_at": (">", 0), "created_at": ("<", old)})}
        found = {order_id: self._applied(order_id) for order_id in open_orders}
        for row in self._find("settlement", {"state": ("in", list(_UNPAID))}):
            if row["kind"].startswith("PAYOUT"):
                found[row["order_id"]] = self._approved(row)
        return [one for one in found.values() if one is not None]

    def _find(self, table: str, where: dict[str, Any]) -> list[Row]:
        return self.ledger.store.find(table, where, limit=_PAGE)

    def _applied(self, order_id: str) -> Running | None:
        claims = [row for row in self.ledger.claim_rows(order_id) if row["kind"] == "quick_claim"]
        still = [row for row in claims if row["state"] not in FINAL]
        if not still:
            return None
        return Running(order_id, still[0]["insurer"], {ClockName.APPLICATION: moment(claims[0]["created_at"])})

    def _approved(self, settlement: Row) -> Running | None:
        claims = [row for row in self.ledger.claim_rows(settlement["order_id"]) if row["kind"] == "quick_claim"]
        if not claims:
            return None
        since = {
            ClockName.APPLICATION: moment(claims[0]["created_at"]),
            ClockName.APPROVAL: moment(settlement["created_at"]),
        }
        paying = next((row for row in claims if row["approved"]), claims[0])
        return Running(settlement["order_id"], paying["insurer"], since)


def late_payouts(ledger: Ledger, now: int) -> list[dict[str, Any]]:
    """What is late now, the longest first, for operators: ids, insurer, which clock, age in seconds."""
    rows = ledger.store.find("late", {"over_at": 0}, limit=_PAGE)
    shown = [
        {
            "order_id": row["order_id"],
            "insurer": row["insurer"],
            "clock": row["clock"],
            "due_at": row["due_at"],
            "late_s": (now - int(row["due_at"])) // 1000,
        }
        for row in rows
    ]
    return sorted(shown, key=lambda one: -one["late_s"])
