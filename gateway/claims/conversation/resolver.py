"""Takes up what was left open: after a restart every bill that has a timer, and later whatever is due."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.suspects import Suspects
from gateway.kernel.errors import LianpeiError
from gateway.store.api import Row
from gateway.telemetry.logs import get_logger

_log = get_logger("lianpei.conversation")

_EVERY_S = 0.5
_PURGE_EVERY = 1200
"""Rounds between purges: ten minutes."""
_BEGIN_EVERY = 20
"""Rounds between looks for undos that nobody began: ten seconds."""
_AT_ONCE = 64
"""So many bills are taken up in one round: a restart with a long queue must not flood an insurer."""


@dataclass(slots=True)
class Resolver:
    engine: Engine
    suspects: Suspects = field(init=False)
    _was_up: bool = False

    def __post_init__(self) -> None:
        self.suspects = Suspects(self.engine)

    async def run(self) -> None:
        recovered, rounds = False, 0
        while True:
            try:
                jumped = self._clock_jumped()
                recovered = recovered and not jumped
                if not recovered:
                    await self._start()
                    recovered = True
                await self._round(rounds)
            except LianpeiError as wrong:  # a database that is away comes back; what is due then is still due
                _log.event("round-failed", code=wrong.error_code)
            await asyncio.sleep(_EVERY_S)
            rounds += 1

    def _clock_jumped(self) -> bool:
        """An alarm set by a clock that was wrong may be hours away."""
        jumped = self.engine.ledger.watch.was_set()
        if jumped:
            self.engine.metrics.clock.jumped()
            _log.event("clock-jumped")
        return jumped

    async def _start(self) -> None:
        await self.engine.aside.learn()
        await self.engine.talk.withdrawals.read_on(self.engine.ledger.store)
        await self._recover()
        self._was_up = True
        await self._undos({})

    async def _round(self, rounds: int) -> None:
        if self.engine.ledger.leases is not None:
            await self.engine.talk.withdrawals.read_on(self.engine.ledger.store)
        due = await self.due()
        await self.suspects.take_over([row["order_id"] for row in due if not self._is_mine(row)])
        for row in due:
            if self._is_mine(row) and row["order_id"] not in self.suspects.queued:
                await self.engine.look(row["order_id"])
                await asyncio.sleep(0)  # one bill is read at a time, and counters have their turn between two
        if rounds and rounds % _BEGIN_EVERY == 0:
            await self.engine.aside.learn()
            await self._undos({"was": ""})
        if rounds and rounds % _PURGE_EVERY == 0:
            await self._purge()
            await self._undos({})

    async def _recover(self) -> None:
        """After a restart, or when the clock jumped, every bill with a timer is taken up at once, paced."""
        after: tuple[int, str] | None = None
        ledger = self.engine.ledger
        mine: dict[str, Any] = {"look_at": (">", 0)}
        if ledger.leases is not None:
            mine["owner"] = ledger.leases.holder
        while True:
            store = ledger.store
            rows = await store.read(store.find, "bill", mine, order_by="look_at", limit=_AT_ONCE, after=after)
            await self._take_up([row["order_id"] for row in rows])
            if len(rows) < _AT_ONCE:
                return
            after = (rows[-1]["look_at"], rows[-1]["order_id"])
            await self._some_room()

    async def _take_up(self, order_ids: list[str]) -> None:
        """A clock that jumped killed nobody: only what an earlier process left is counted."""
        if not self._was_up:
            await self.suspects.take_over(order_ids)
            return
        for order_id in order_ids:
            if order_id not in self.suspects.queued:
                self.engine.resume(order_id)

    async def _undos(self, which: dict[str, Any]) -> None:
        """Undos under way, whatever their bills' alarms say: one may have been asked for while a worker set its own.

        One that was never begun (``was`` is empty) has a patient at the counter.
        """
        after: tuple[str] | None = None
        while True:
            store = self.engine.ledger.store
            rows = await store.read(store.find, "undo", {"state": "undoing"} | which, limit=_AT_ONCE, after=after)
            for row in rows:
                await self.engine.wake(row["order_id"])
                after = (row["undo_id"],)
            if len(rows) < _AT_ONCE:
                return
            await self._some_room()

    async def _some_room(self) -> None:
        """Wait until half of what was taken up is at rest."""
        workers = list(self.engine.running.values())
        if len(workers) >= _AT_ONCE:
            await asyncio.gather(*workers[: _AT_ONCE // 2], return_exceptions=True)

    async def due(self) -> list[Row]:
        """Bills whose time has come, and those that processes which are gone left open."""
        ledger = self.engine.ledger
        return await ledger.read(ledger.due, self.engine.clock.epoch_ms(), _AT_ONCE + len(self.suspects.queued))

    def _is_mine(self, bill: Row) -> bool:
        leases = self.engine.ledger.leases
        return leases is None or bill["owner"] == leases.holder

    async def _purge(self) -> None:
        """Single-use values whose window is over need not be remembered."""
        work = self.engine.ledger.work()
        work.unit.delete("nonce", {"expires_at": ("<", work.now())})
        await work.flush()
        ledger = self.engine.ledger
        if ledger.leases is not None:
            for holder in await ledger.read(ledger.left_nothing):
                await ledger.leases.forget(holder)
