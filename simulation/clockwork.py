"""An event loop whose time jumps to the next timer, and clocks that read it: a day passes in milliseconds, the same each time."""

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast

START = datetime(2025, 3, 6, 1, 0, tzinfo=UTC)


class Owner(Protocol):
    """Who a task dies with."""

    alive: bool
    tasks: "dict[asyncio.Task[Any], None]"


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


class Stalled(Exception):
    """Nobody will ever wake anybody again."""


class _Jump:
    """In the place of a selector: instead of waiting it moves the time."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stalled
        self._loop.passed += timeout
        return []

    def close(self) -> None:
        pass


class VirtualLoop(asyncio.BaseEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        """Seconds since the world began."""
        self._selector = _Jump(self)
        self._clock_resolution = 1e-6
        self.wrongs: list[str] = []
        self.set_task_factory(cast(Any, _task))
        self.set_exception_handler(self._wrong)

    def time(self) -> float:
        return self.passed

    def leap(self, to: float) -> None:
        """Every host of the world was suspended until then (never backwards)."""
        self.passed = max(self.passed, to)

    def _process_events(self, events: list[Any]) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """There are no threads."""

    def _wrong(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None:
            where = traceback.extract_tb(error.__traceback__)[-3:]
            self.wrongs.append(f"{error!r} at {', '.join(f'{one.filename[-40:]}:{one.lineno}' for one in where)}")


def _task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], context: Context | None = None
) -> "asyncio.Task[Any]":
    """A task belongs to the node whose code made it, so that a crash takes it along."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, context=context)
    owner = OWNER.get() if context is None else context.get(OWNER)
    if owner is not None:
        owner.tasks[task] = None
        task.add_done_callback(lambda done: owner.tasks.pop(done, None))
        if not owner.alive:
            task.cancel()
    return task


class VirtualClock:
    """A host's clock: the world's time, ``skew`` seconds off."""

    def __init__(self, time: Callable[[], float], skew: float = 0.0) -> None:
        self._time = time
        self.skew = skew

    def now(self) -> datetime:
        return START + timedelta(seconds=self._time() + self.skew)

    def epoch_ms(self) -> int:
        return round(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return self._time()
