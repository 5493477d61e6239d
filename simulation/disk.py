"""A database that outlives every crash. The gateway's own statements run in SQLite in memory; time and trouble are the world's."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar

import apsw

from gateway.kernel.errors import Busy, LianpeiError
from gateway.store import sql
from gateway.store.api import Counters
from gateway.store.chain import Chain
from gateway.store.errors import BadUnit, Duplicate, StaleWrite, StoreFailed, closed_store
from gateway.store.questions import Questions
from gateway.store.tables import Schema, Value
from gateway.store.unit import Unit

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")
_Work = list[sql.Planned]
_UNFIT = (apsw.ConstraintError, apsw.TooBigError, OverflowError, UnicodeError)
_CLASH = {apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_ROWID}


@cache
def _empty(schema: Schema) -> bytes:
    """The file of a database with these tables and no rows."""
    connection = apsw.Connection(":memory:")
    for table in schema.tables:
        for statement in (sql.create(table), *sql.create_indexes(table)):
            connection.execute(statement)
    return connection.serialize("main")


@cache
def _planner(schema: Schema) -> sql.Planner:
    return sql.Planner(schema)


class Disk(Questions):
    """Whole units or nothing; what is here was fsynced."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(schema)
        self.schema = schema
        self._connection = apsw.Connection(":memory:")
        self._connection.deserialize("main", _empty(schema))
        self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)  # else it plans anew at each bound value
        self._chain = Chain(self._connection, schema) if any(table.chained for table in schema.tables) else None

    def _read(self, statement: str, operands: tuple[Value, ...]) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, operands).fetchall()

    ask = _read

    def plan(self, unit: Unit) -> _Work:
        return _planner(self.schema).plan(unit)

    def apply(self, work: _Work) -> LianpeiError | None:
        """One unit in a transaction of its own, with its entry in the chain."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        refusal = self._steps(work)
        if refusal is not None:
            execute("ROLLBACK")
            return refusal
        if self._chain is not None:
            self._chain.extend([work])
            self._chain.committed()
        execute("COMMIT")
        return None

    def _steps(self, work: _Work) -> LianpeiError | None:
        for plan, values in work:
            try:
                self._connection.execute(plan.sql, values)
            except _UNFIT as clash:
                if getattr(clash, "extendedresult", None) in _CLASH:
                    return Duplicate(plan.table)
                return BadUnit(f"{plan.table}: a value is not one this table can hold")
            if plan.exactly_one and self._connection.changes() != 1:
                return StaleWrite(plan.table)
        return None

    def close(self) -> None:
        self._connection.close()


class DiskTrouble:
    """How slow the way to the disk is and how often it fails; seconds."""

    def __init__(self, numbers: random.Random, slow: float, fails: float, far: bool) -> None:
        self._numbers = numbers
        self._slow = self._slowest = slow
        self._fails = self._fails_most = fails
        self.far = far
        """A database elsewhere: a question takes time too."""

    def heal(self) -> None:
        self._slow = self._fails = 0.0

    def hurt(self) -> None:
        """It is again as bad as it was at first."""
        self._slow, self._fails = self._slowest, self._fails_most

    def pause(self) -> float:
        longest = 2.0 if self._slow and self._numbers.random() < self._slow else 0.004
        return self._numbers.uniform(0.0005, longest)

    def fails(self) -> bool:
        return bool(self._fails) and self._numbers.random() < self._fails

    def survives(self) -> bool:
        """Whether a group is on the disk whose node died while it was on its way, or whose commit had no answer."""
        return self._numbers.random() < 0.5


class DiskEnd(Questions):
    """One node's way to the disk: ``gateway.store.api.AnyStore``. What was not committed dies with the node."""

    def __init__(self, disk: Disk, trouble: DiskTrouble, max_waiting: int = 10_000) -> None:
        super().__init__(disk.schema)
        self._max_waiting = max_waiting
        self._waiting = 0
        self._closed = False
        self.awake = asyncio.Event()
        """Cleared while the node is stopped, as by SIGSTOP or a long pause of its host."""
        self.awake.set()
        self.alive = True
        self.counters = Counters()
        self._disk = disk
        self._trouble = trouble
        self._queue: deque[tuple[_Work, asyncio.Future[None]]] = deque()
        self._pumping = False

    def _read(self, statement: str, operands: tuple[Value, ...]) -> list[tuple[Any, ...]]:
        if self._closed:
            raise closed_store()
        return self._disk.ask(statement, operands)

    @property
    def ready(self) -> bool:
        return self.alive and not self._closed

    async def commit(self, unit: Unit) -> None:
        await self._go_on()
        if not unit.steps:
            return
        if self._closed:
            raise closed_store()
        if self._waiting >= self._max_waiting:
            raise Busy("the database has too much waiting", code="store-busy")
        work = self._disk.plan(unit)
        self._waiting += 1
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._queue.append((work, done))
        if not self._pumping:
            self._pumping = True
            loop.call_later(self._trouble.pause(), self._write)
        try:
            await done
        finally:
            await self._go_on()

    def _write(self) -> None:
        """Everything that waits, in order; the answers come a moment later."""
        group, self._queue = self._queue, deque()
        told: list[tuple[asyncio.Future[None], LianpeiError | None]] = []
        failed = self.alive and self._trouble.fails()
        kept = self._trouble.survives() if failed or not self.alive else True
        for work, done in group:
            wrong = self._disk.apply(work) if kept else None
            told.append((done, StoreFailed("the database could not be written") if failed else wrong))
            self.counters.units += kept and wrong is None
            self.counters.refused += wrong is not None
        self.counters.groups += 1
        asyncio.get_running_loop().call_later(self._trouble.pause() / 4, self._tell, told)

    def _tell(self, told: list[tuple["asyncio.Future[None]", LianpeiError | None]]) -> None:
        self._waiting -= len(told)
        for done, error in told:
            if not done.done():
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)
        self._pumping = bool(self._queue) and self.alive
        if self._pumping:
            asyncio.get_running_loop().call_later(self._trouble.pause(), self._write)

    async def read(self, ask: Callable[_Asked, _Answer], /, *asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
        await self._go_on()
        if self._trouble.far:
            await asyncio.sleep(self._trouble.pause() / 2)
            await self._go_on()
        return ask(*asked, **named)

    async def _go_on(self) -> None:
        if not self.awake.is_set():
            await self.awake.wait()
        if not self.alive:
            raise asyncio.CancelledError

    async def checkpoint(self) -> None:
        """There is one file only."""

    async def close(self) -> None:
        """What was accepted is written first."""
        self._closed = True
        while self._waiting:  # noqa: ASYNC110 -- at most a few milliseconds
            await asyncio.sleep(0.001)
