"""Durable memory in a PostgreSQL database that any number of gateway processes share."""

import asyncio
import threading
from asyncio import Future
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, ParamSpec, TypeVar

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from gateway.kernel.errors import Busy, LianpeiError
from gateway.kernel.secret import Secret
from gateway.store import postgres_words as words
from gateway.store import sql
from gateway.store.api import Counters
from gateway.store.errors import BadUnit, StoreFailed, closed_store
from gateway.store.postgres_link import PATIENCE_S, Link, unreachable, whole_numbers
from gateway.store.postgres_writer import GroupWriter, Steps
from gateway.store.questions import Questions
from gateway.store.tables import Schema, Value
from gateway.store.unit import Unit

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")

MAX_WAITING = 4096
"""Units that may wait for the database; beyond that the gateway says it is busy instead of growing."""
MAX_GROUP = 256
_READERS = 4
"""Threads and connections that ask; a question beyond that waits its turn."""
_GROUP_S = 60.0
"""After this time a group is given up: nobody knows its fate."""
_MEND_S = 1.0


class _Job(NamedTuple):
    work: Steps
    done: "Future[None]"


class Store(Questions):
    """See ``api.AnyStore`` for what each method promises. Used from one event loop."""

    def __init__(self, link: Link, max_waiting: int) -> None:
        super().__init__(link.schema)
        self.counters = Counters()
        self._max_waiting = max_waiting
        self._planner = sql.Planner(link.schema)
        self._writer = GroupWriter(link)
        self._waiting: deque[_Job] = deque()
        self._in_group = 0
        self._writing: asyncio.Task[None] | None = None
        self._mending: asyncio.Task[None] | None = None
        self._working = True
        self._closed = False
        self._asking = threading.local()
        self._threads = ThreadPoolExecutor(_READERS, "store-reader")
        self._readers = ConnectionPool(
            kwargs=link.asking(),
            min_size=1,
            max_size=_READERS,
            timeout=PATIENCE_S,
            configure=whole_numbers,
            open=True,
            name="store-readers",
        )

    @classmethod
    def open(
        cls, url: str, schema: Schema, *, password: Secret[str] | None = None, max_waiting: int = MAX_WAITING
    ) -> "Store":
        """Reach the database and bring the room's tables to this schema.

        Raises ``ConfigRefused`` for a URL that can't be used and for another program's or a newer version's tables,
        ``StoreFailed`` where there is no database.
        """
        link = Link(url, schema, password)
        link.prepare()
        return cls(link, max_waiting)

    @property
    def ready(self) -> bool:
        return self._working and not self._closed

    async def commit(self, unit: Unit) -> None:
        if not unit.steps:
            return
        if self._closed:
            raise closed_store()
        if len(self._waiting) + self._in_group >= self._max_waiting:
            raise Busy("the database has too much waiting", code="store-busy", hint="Try again in a moment.")
        done: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(self._planner.plan(unit), done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        """Group after group until nothing waits. What comes while one is written is the next."""
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(MAX_GROUP, len(self._waiting)))]
            self._in_group = len(group)
            await self._write(group)
            self._in_group = 0
        self._writing = None

    async def _write(self, group: list[_Job]) -> None:
        """Clashes are rare: all is tried at once, and in halves when something in it clashed."""
        try:
            async with asyncio.timeout(_GROUP_S):
                refusal = await self._writer.write([step for job in group for step in job.work])
        except Exception as wrong:
            self._failed()
            for job in group:
                _tell(job, _not_acknowledged(wrong))
            return
        self._working = True
        if refusal is not None and len(group) > 1:
            half = len(group) // 2
            await self._write(group[:half])
            await self._write(group[half:])
            return
        self.counters.groups += 1
        self.counters.refused += refusal is not None
        self.counters.units += len(group) if refusal is None else 0
        for job in group:
            _tell(job, refusal)

    def _failed(self) -> None:
        self._working = False
        self.counters.failed_groups += 1
        if self._mending is None and not self._closed:
            self._mending = asyncio.create_task(self._mend())

    async def _mend(self) -> None:
        """Without new work nobody would notice that the database is back."""
        while not self._working:
            await asyncio.sleep(_MEND_S)
            if self._writing is None and not self._working:
                self._writing = asyncio.create_task(self._probe())
                await asyncio.wait({self._writing})
        self._mending = None

    async def _probe(self) -> None:
        with suppress(Exception):
            async with asyncio.timeout(_GROUP_S):
                await self._writer.probe()
                self._working = True
        await self._write_all()

    async def read(self, ask: Callable[_Asked, _Answer], /, *asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
        if self._closed:
            raise closed_store()
        within = partial(self._within, partial(ask, *asked, **named))
        return await asyncio.get_running_loop().run_in_executor(self._threads, within)

    def _within(self, ask: Callable[[], _Answer]) -> _Answer:
        """In a reader's thread: one transaction for all that is asked. A connection that died idle is tried anew once."""
        for last in (False, True):
            try:
                return self._answered(ask)
            except (psycopg.Error, PoolClosed) as wrong:
                if last or isinstance(wrong, PoolTimeout) or not isinstance(wrong, psycopg.OperationalError):
                    raise _unreadable() from wrong
        raise AssertionError("the last attempt returns or raises")

    def _answered(self, ask: Callable[[], _Answer]) -> _Answer:
        with self._readers.connection() as connection:
            self._asking.connection = connection
            try:
                return ask()
            finally:
                self._asking.connection = None

    def _dialect(self, statement: str) -> str:
        return words.spoken(statement)

    def _read(self, statement: str, operands: tuple[Value, ...]) -> list[tuple[Any, ...]]:
        if self._closed:
            raise closed_store()
        connection: Connection[tuple[Any, ...]] | None = getattr(self._asking, "connection", None)
        if connection is None:
            raise BadUnit("a question to a database elsewhere is put inside read, so that nobody waits for it")
        with connection.cursor(binary=True) as cursor:
            return cursor.execute(statement.encode(), operands, prepare=True).fetchall()

    async def checkpoint(self) -> None:
        """Nothing to do: the server brings its own files up to date."""

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._mending is not None:
            self._mending.cancel()
        if self._writing is not None:
            await asyncio.wait({self._writing})
        await self._writer.close()
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        self._threads.shutdown()
        self._readers.close()


def _tell(job: _Job, refusal: LianpeiError | None) -> None:
    if not job.done.done():
        job.done.set_exception(refusal) if refusal else job.done.set_result(None)


def _not_acknowledged(wrong: Exception) -> StoreFailed:
    """One for each who waits: an exception raised in many tasks at once would gather all their tracebacks."""
    failure = unreachable()
    failure.__cause__ = wrong
    return failure


def _unreadable() -> StoreFailed:
    return StoreFailed("the database could not be read", hint="See that PostgreSQL runs at claims.database.")
