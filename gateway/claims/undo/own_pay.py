"""A direct-pay bill whose own part could not be collected stays open until a deadline, then it is undone (§3.2 E5).

The undo goes its usual way: insurers, then 医保, then cash, of which nothing was paid. Looked at are payments that ended
without money, so that a bill which is paid costs nothing.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.claims.undo.service import UndoDesk
from gateway.claims.undo.wish import UndoWish
from gateway.kernel.errors import Conflict, LianpeiError
from gateway.kernel.settlements import OPEN, State
from gateway.store.api import Row
from gateway.telemetry.logs import get_logger

_EVERY_S = 5.0
_PAGE = 1000
_OWN = ("SELF_PAY", "CREDIT")
_log = get_logger("lianpei.undo")


@dataclass(slots=True)
class OwnPayWatch:
    desk: UndoDesk
    deadline_s: float

    async def run(self) -> None:
        """For ever, by one process of all that share the database."""
        while True:
            try:
                await self.round()
            except LianpeiError as bad:
                _log.event("own-pay-not-watched", code=bad.error_code)
            await asyncio.sleep(min(_EVERY_S, self.deadline_s))

    async def round(self) -> None:
        """Undo every bill whose deadline has passed."""
        ledger = self.desk.engine.ledger
        wish = UndoWish("whole", "own-pay-failed", "gateway")
        for bill in await ledger.read(self._due):
            try:
                await self.desk.ask(
                    bill["hospital"], bill["order_id"], f"own-pay:{bill['order_id']}", wish, ledger.work()
                )
            except Conflict as other:  # somebody undoes it already
                _log.event("own-pay-left", order_id=bill["order_id"], code=other.error_code)

    def _due(self) -> list[Row]:
        ledger = self.desk.engine.ledger
        before = ledger.clock.epoch_ms() - int(self.deadline_s * 1000)
        ended: dict[str, Any] = {"state": State.FAILED.value, "updated_at": ("<", before)}
        failed = ledger.store.find("settlement", ended, order_by="-updated_at", limit=_PAGE)
        bills = [ledger.bill_row(row["order_id"]) for row in failed if _is_own(row)]
        open_still = [row for row in bills if row is not None and row["state"] == "decided" and not row["undo_id"]]
        return [row for row in open_still if self._unpaid(row["order_id"])]

    def _unpaid(self, order_id: str) -> bool:
        """No other payment of the debt stands or is on its way, and the counter does not collect it."""
        rows = self.desk.engine.ledger.store.find("settlement", {"order_id": order_id}, limit=100)
        held = (*OPEN, State.PAID, State.DISPUTED, State.OFFLINE)
        return not any(_is_own(row) and State(row["state"]) in held for row in rows)


def _is_own(row: Row) -> bool:
    return row["kind"].partition(":")[0] in _OWN
