"""Takes up what a process left that stopped or died: each try is counted before it is made.

Whoever had just been taken up when a process died is suspect and is tried alone, one after another, beside all other
work: the one that kills its worker is known by the sixth death. Whoever is still at work a quarter of a second later is
innocent of what comes later: a process may be killed often while a bill only waits for its insurer.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.setting_aside import INTERRUPTED
from gateway.kernel.errors import LianpeiError
from gateway.telemetry.logs import get_logger

_log = get_logger("lianpei.conversation")
MOST_DEATHS = 6
_DANGER_S = 0.25
"""So long after it was taken up a death is a bill's own doing. Work that holds the event loop stops this clock."""


@dataclass(slots=True)
class Suspects:
    engine: Engine
    queued: set[str] = field(default_factory=set)
    _queue: deque[str] = field(default_factory=deque)
    _worker: "asyncio.Task[None] | None" = None
    _watching: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def take_over(self, order_ids: list[str]) -> None:
        """Take these bills up; the suspects among them wait for their turn."""
        aside = self.engine.aside
        new = [one for one in order_ids if one not in self.engine.running and one not in self.queued | aside.orders]
        tries = await aside.tries_of(new)
        fresh = [order_id for order_id in new if order_id not in tries]
        await aside.begin(fresh)
        for order_id in fresh:
            self.engine.resume(order_id)
        if fresh:
            watch = asyncio.create_task(self._survive(fresh))
            self._watching.add(watch)
            watch.add_done_callback(self._watching.discard)
        self._queue.extend(sorted(tries, key=lambda order_id: tries[order_id]))
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
        if tries >= MOST_DEATHS:
            await engine.aside.set_aside(order_id, INTERRUPTED)
            return
        await engine.aside.begin([order_id])
        engine.resume(order_id)
        await self._survive([order_id])

    async def _survive(self, order_ids: list[str]) -> None:
        """Whoever of them is still at work when the danger is over is suspected no longer."""
        begun = {task for one in order_ids if (task := self.engine.running.get(one)) is not None}
        if begun:
            await asyncio.wait(begun, timeout=_DANGER_S)
        try:
            await self.engine.aside.survived([one for one in order_ids if one in self.engine.running])
        except LianpeiError as wrong:  # it stays counted, and is tried alone should we die
            _log.event("suspect-left", code=wrong.error_code)
