"""Takes up what was left open: after a restart everything that is not final, and later whatever is due."""

import asyncio
from dataclasses import dataclass

from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.states import ClaimState
from gateway.claims.work import millis
from gateway.telemetry.logs import get_logger

_log = get_logger("lianpei.resolver")
_OPEN = (
    ClaimState.CREATED,
    ClaimState.SENT,
    ClaimState.ACCEPTED,
    ClaimState.NEED_MORE,
    ClaimState.UNKNOWN,
    ClaimState.DECIDED,
)
_EVERY_S = 0.5
_AT_ONCE = 64
"""So many bills are taken up in one round: a restart with a long queue must not flood an insurer."""


@dataclass(slots=True)
class Resolver:
    engine: Engine

    async def run(self) -> None:
        await self._recover()
        while True:
            await asyncio.sleep(_EVERY_S)
            for order_id in self.due():
                self.engine.resume(order_id)

    async def _recover(self) -> None:
        """After a restart: a pending bill whose worker died is taken up, paced."""
        after = None
        while True:
            where = {"state": "pending"}
            rows = self.engine.ledger.store.find("bill", where, order_by="updated_at", limit=_AT_ONCE, after=after)
            for row in rows:
                self.engine.resume(row["order_id"])
                after = (row["updated_at"], row["order_id"])
            if len(rows) < _AT_ONCE:
                return
            await self._some_room()

    async def _some_room(self) -> None:
        """Wait until half of what was taken up is at rest."""
        workers = list(self.engine.running.values())
        if len(workers) >= _AT_ONCE:
            await asyncio.gather(*workers[: _AT_ONCE // 2], return_exceptions=True)

    def due(self) -> set[str]:
        """Bills with a claim whose time has come and that nobody works on."""
        now = millis(self.engine.clock.now())
        found: set[str] = set()
        for state in _OPEN:
            where = {"state": state.value, "next_at": (">", 0)}
            rows = self.engine.ledger.store.find("claim", where, order_by="next_at", limit=_AT_ONCE)
            found.update(row["order_id"] for row in rows if row["next_at"] <= now)
        return found - self.engine.running.keys()
