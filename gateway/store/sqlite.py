"""Durable memory on one SQLite file: WAL, full sync, one writer with group commit, reads on the event loop."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import apsw

from gateway.kernel.errors import Busy, LianpeiError
from gateway.store import files, sql
from gateway.store.api import Counters
from gateway.store.chain import Chain
from gateway.store.errors import StoreFailed, closed_store
from gateway.store.questions import Questions
from gateway.store.tables import Schema, Value
from gateway.store.unit import Unit
from gateway.store.writer import Job, Settled, Writer

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")

MAX_WAITING = 4096
"""Units that may wait for the disk; beyond that the gateway says it is busy instead of growing."""
_MEND_S = 1.0


class Store(Questions):
    """See ``api.AnyStore`` for what each method promises. Used from one event loop."""

    def __init__(self, path: Path, schema: Schema, lock: int, max_waiting: int) -> None:
        super().__init__(schema)
        self._lock = lock
        self._max_waiting = max_waiting
        self._waiting = 0
        self._closed = False
        self._mending: asyncio.Task[None] | None = None
        self._planner = sql.Planner(schema)
        self._connection = files.open_writer(path, schema)
        self._reader = files.open_reader(path)
        chain = Chain(self._connection, schema) if any(table.chained for table in schema.tables) else None
        self._writer = Writer(self._connection, self._settle, chain)

    @classmethod
    def open(cls, path: str | Path, schema: Schema, *, max_waiting: int = MAX_WAITING) -> "Store":
        """Open or create the file, checked and brought to this schema.

        Raises ``ConfigRefused`` if another process holds it or it belongs to another room or a newer version, and
        ``StoreFailed`` (``store-corrupt``) if it is damaged.
        """
        place = Path(path).absolute()
        lock = files.take_lock(place)
        try:
            files.make_private(place)
            return cls(place, schema, lock, max_waiting)
        except BaseException:
            os.close(lock)
            raise

    @property
    def ready(self) -> bool:
        return self._writer.ready and not self._closed

    @property
    def counters(self) -> Counters:
        return self._writer.counters

    async def commit(self, unit: Unit) -> None:
        if not unit.steps:
            return
        if self._closed or self._waiting >= self._max_waiting:
            raise self._refusal()
        await self._hand_over(self._planner.plan(unit))

    def _refusal(self) -> LianpeiError:
        if self._closed:
            return closed_store()
        return Busy("the database has too much waiting", code="store-busy", hint="Try again in a moment.")

    def _hand_over(self, work: list[sql.Planned], errand: Any = None) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        self._writer.put(Job(work, done, errand))
        return done

    def _settle(self, settled: Settled) -> None:
        """Runs on the event loop, once per group."""
        self._waiting -= len(settled)
        for done, error in settled:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        if self._writer.waits_for_room and self._mending is None and not self._closed:
            self._mending = asyncio.create_task(self._mend())

    async def _mend(self) -> None:
        """Without new work nobody would notice that the disk has room again."""
        while self._writer.waits_for_room:
            await asyncio.sleep(_MEND_S)
            with suppress(StoreFailed):
                await self._hand_over([], self._writer.probe)
        self._mending = None

    async def read(self, ask: Callable[_Asked, _Answer], /, *asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
        return ask(*asked, **named)

    def _read(self, statement: str, operands: tuple[Value, ...]) -> list[tuple[Any, ...]]:
        """All rows at once: a cursor left open would pin the log and keep it growing."""
        if self._closed:
            raise closed_store()
        try:
            return self._reader.execute(statement, operands).fetchall()
        except apsw.Error as wrong:
            raise StoreFailed(
                "the database could not be read", hint="See the disk; the file may be damaged."
            ) from wrong

    async def checkpoint(self) -> None:
        if self._closed or self._waiting >= self._max_waiting:
            raise self._refusal()
        await self._hand_over([], lambda: self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._mending is not None:
            self._mending.cancel()
        await self._hand_over([], lambda: None)  # stands behind every unit that was accepted, so those are finished
        await asyncio.to_thread(self._writer.stop)
        # The reader goes first: the last connection to close is the one that empties the log into the main file.
        self._reader.close()
        with suppress(apsw.Error):  # what was acknowledged is synced in the log, which the next start reads
            self._connection.close()
        os.close(self._lock)
