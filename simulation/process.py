"""A process of this world: its tasks die with it, and what it has not committed."""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from simulation.clockwork import OWNER, VirtualClock
from simulation.disk import Disk, DiskEnd, DiskTrouble

if TYPE_CHECKING:
    from simulation.world import World

_Answer = TypeVar("_Answer")


class Gone(Exception):
    """The connection broke: the node died, or it never answered."""


class Process:
    def __init__(self, world: "World", name: str, skew: float, disk: Disk, trouble: DiskTrouble) -> None:
        self.world = world
        self.name = name
        self.alive = True
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.died: asyncio.Future[None] = world.loop.create_future()
        self.store = DiskEnd(disk, trouble)
        self.clock = VirtualClock(world.loop.time, skew)
        self._context = contextvars.copy_context()
        self._context.run(OWNER.set, self)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        return self.world.loop.create_task(work, context=self._context.copy())

    async def call(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Have it done here for a caller elsewhere. Raises ``Gone`` when the node dies first."""
        if not self.alive:
            work.close()
            raise Gone
        task = self.spawn(work)
        await asyncio.wait([task, self.died], return_when=asyncio.FIRST_COMPLETED)
        if not task.done() or task.cancelled() or not self.alive:
            raise Gone
        return task.result()  # type: ignore[no-any-return]

    def crash(self) -> None:
        """As SIGKILL: nothing of it happens any more; what is under way on the network goes on."""
        self.tell("CRASHES")
        self.alive = self.store.alive = False
        self.store.awake.set()
        self.died.set_result(None)
        for task in list(self.tasks):
            task.cancel()

    def turn_clock(self, seconds: float) -> None:
        if self.alive:
            self.tell("CLOCK JUMPS", seconds=seconds)
            self.clock.skew += seconds

    def require_alive(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError

    def tell(self, what: str, **more: Any) -> None:
        self.world.story.tell(self.name, what, **more)
