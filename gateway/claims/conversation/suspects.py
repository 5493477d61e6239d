"""Takes up what a process left that stopped or died: each try is counted before it is made.

Whoever was being worked on when a process died is suspect and is tried alone, one after another, beside all other work:
the one that kills its worker is known by the third death, and the others lose nothing but a little time.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.setting_aside import INTERRUPTED, MOST_TRIES
from gateway.kernel.errors import LianpeiError
from gateway.telemetry.logs import get_logger

_log = get_logger("lianpei.conversation")
_ALONE_S = 120.0
"""So long a suspect is waited for; whoever is still at work then kills nobody."""


@dataclass(slots=True)
class Suspects:
    engine: Engine
    queued: set[str] = field(default_factory=set)
    _queue: deque[str] = field(default_factory=deque)
    _worker: "asyncio.Task[None] | None" = None

    async def take_over(self, order_ids: list[str]) -> None:
        """Take these bills up; the suspects among them wait for their turn."""
        aside = self.engine.aside
        new = [one for one in order_ids if one not in self.engine.running and one not in self.queued | aside.orders]
        tries = await aside.tries_of(new)
        fresh = [order_id for order_id in new if order_id not in tries]
        await aside.begin(fresh)
        for order_id in fresh:
            self.engine.resume(order_id)
        self._queue.extend(tries)
        self.queued.update(tries)
        if self._queue and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._one_by_one())

    async def _one_by_one(self) -> None:
        while self._queue:
            order_id = self._queue.popleft()
            try:
                await self._alone(order_id)
            except LianpeiError as wrong:  # a database that is away: it is due again soon
                _log.event("suspect-left", order_id=order_id, code=wrong.error_code)
            finally:
                self.queued.discard(order_id)

    async def _alone(self, order_id: str) -> None:
        engine, ledger = self.engine, self.engine.ledger
        tries = (await engine.aside.tries_of([order_id])).get(order_id, 0)
        if order_id in engine.running or await ledger.read(ledger.elsewhere, order_id):
            return
        if tries >= MOST_TRIES:
            await engine.aside.set_aside(order_id, INTERRUPTED)
            return
        await engine.aside.begin([order_id])
        engine.resume(order_id)
        task = engine.running.get(order_id)
        if task is not None:
            await asyncio.wait({task}, timeout=_ALONE_S)
