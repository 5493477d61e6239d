"""Days on which nothing happens pass at once: the world's clock runs on to what the payment room does at its hour."""

import asyncio
import random
from typing import TYPE_CHECKING

from gateway.claims.conversation.clocks import ClockName, DayRule
from gateway.claims.conversation.payouts import PayoutWatch
from gateway.kernel.errors import LianpeiError
from gateway.payment.states import State
from simulation.clockwork import START
from simulation.payroom import PayRoom
from simulation.process import Gone

if TYPE_CHECKING:
    from simulation.world import World

LATER = (State.CREDITED, State.SCHEDULED, State.PUSHED, State.WARNED)
"""An order in one of these waits for its hour."""
_BEFORE_S = 4.0
_TROUBLE_S = 12.0
_MOST = 40
_RULES = {name: DayRule() for name in ClockName}


class Days:
    def __init__(self, world: "World", room: PayRoom, numbers: random.Random) -> None:
        self._world, self._room, self._numbers = world, room, numbers

    async def run(self) -> None:
        """Every process is suspended, as by its hosts, until shortly before the next hour; then there may be trouble again."""
        for _ in range(_MOST):
            at = self._next()
            if at is None:
                break
            self._world.loop.leap(at - _BEFORE_S)
            self._world.story.tell("WORLD", "time passes")
            if not self._world.calm and self._numbers.random() < 0.6:
                await self._trouble()
            await self._world.until_quiet()
            await self._watch()
        await self._world.until_quiet()

    def _next(self) -> float | None:
        """In the world's seconds."""
        later = {"state": ("in", [state.value for state in LATER])}
        due = [row["next_at"] for row in self._room.disk.find("payment_order", later, limit=100)]
        return min(due) / 1000 - START.timestamp() if due else None

    async def _trouble(self) -> None:
        self._world.hurt()
        if self._numbers.random() < 0.4:
            self._world.spawn(self._room.killed_at(self._world.loop.time() + self._numbers.uniform(0.0, 10.0)))
        await asyncio.sleep(_TROUBLE_S)
        self._world.heal()

    async def _watch(self) -> None:
        """What one node does every minute: look which payouts are late."""
        node = self._world.some_node(self._numbers)
        if node is not None:
            try:
                await node.call(PayoutWatch(node.ledger, _RULES).round())
            except (Gone, LianpeiError):
                return
