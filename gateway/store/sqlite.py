"""Durable memory on one SQLite file: WAL, full sync, one writer with group commit, reads on the event loop."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from gateway.kernel.errors import Busy
from gateway.store import files, sql
from gateway.store.api import Counters, Row, Tally
from gateway.store.chain import Chain
from gateway.store.errors import BadUnit, StoreFailed
from gateway.store.tables import Schema, Table, Value
from gateway.store.unit import Step, Unit, where
from gateway.store.writer import Job, Settled, Writer

MAX_WAITING = 4096
"""Units that may wait for the disk; beyond that the gateway says it is busy instead of growing."""
_MAX_ROWS = 10_000


class Store:
    """See ``api.AnyStore`` for what each method promises. Used from one event loop."""

    def __init__(self, path: Path, schema: Schema, lock: int, max_waiting: int) -> None:
        self._schema = schema
        self._lock = lock
        self._max_waiting = max_waiting
        self._waiting = 0
        self._closed = False
        self._planner = sql.Planner(schema)
        self._questions: dict[tuple[object, ...], tuple[str, tuple[str, ...]]] = {}
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
        self._admit()
        plan = self._planner.plan
        work = [(plan(step), step.values) for step in unit.steps]
        await self._hand_over(work)

    def _admit(self) -> None:
        if self._closed:
            raise _closed()
        if self._waiting >= self._max_waiting:
            raise Busy("the database has too much waiting", code="store-busy", hint="Try again in a moment.")

    def _hand_over(self, work: list[Any], errand: Any = None) -> "asyncio.Future[None]":
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

    def get(self, table: str, /, **key: Value) -> Row | None:
        statement, names = self._question(("get", table, tuple(key)))
        found = self._read(statement, tuple(key.values()))
        return dict(zip(names, found[0], strict=True)) if found else None

    def _question(self, shape: tuple[Any, ...]) -> tuple[str, tuple[str, ...]]:
        """SQL and column names of a shape of question, spelt once."""
        known = self._questions.get(shape)
        if known is None:
            if len(self._questions) >= sql.MAX_SHAPES:
                self._questions.clear()
            table = self._schema.table(shape[1])
            known = self._questions[shape] = _spell(table, shape), tuple(table.columns)
        return known

    def find(
        self,
        table: str,
        where: Mapping[str, Any],
        order_by: str | None = None,
        limit: int = 100,
        after: tuple[Value, ...] | None = None,
    ) -> list[Row]:
        terms, operands = self._conditions(table, where)
        statement, names = self._question(("find", table, terms, order_by, after is not None))
        if not 0 <= limit <= _MAX_ROWS:
            raise BadUnit(f"{table}: a page has at most 10 000 rows")
        if after is not None and len(after) != len(sql.order(self._schema.table(table), order_by)[0]):
            raise BadUnit(f"{table}: a position is the order column's value and then the whole key")
        rows = self._read(statement, (*operands, *(after or ()), limit))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def count(self, table: str, where: Mapping[str, Any]) -> int:
        return self._total(table, where, None).count

    def sum(self, table: str, column: str, where: Mapping[str, Any]) -> int:
        return self._total(table, where, column).total

    def _total(self, table: str, where: Mapping[str, Any], column: str | None) -> Tally:
        terms, operands = self._conditions(table, where)
        statement, _ = self._question(("aggregate", table, terms, None, column))
        return Tally(*self._read(statement, operands)[0])

    def tally(self, table: str, by: str, where: Mapping[str, Any], total: str | None = None) -> dict[Any, Tally]:
        terms, operands = self._conditions(table, where)
        statement, _ = self._question(("aggregate", table, terms, by, total))
        return {row[0]: Tally(row[1], row[2]) for row in self._read(statement, operands)}

    def _conditions(
        self, table: str, wanted: Mapping[str, Any]
    ) -> tuple[tuple[tuple[str, str], ...], tuple[Value, ...]]:
        found = where(wanted)
        sql.check_values(self._schema.table(table), Step("find", table, (), found.terms, found.operands))
        return found

    def _read(self, statement: str, operands: tuple[Value, ...]) -> list[tuple[Any, ...]]:
        """All rows at once: a cursor left open would pin the log and keep it growing."""
        if self._closed:
            raise _closed()
        try:
            return self._reader.execute(statement, operands).fetchall()
        except apsw.Error as wrong:
            raise StoreFailed(
                "the database could not be read", hint="See the disk; the file may be damaged."
            ) from wrong

    async def checkpoint(self) -> None:
        self._admit()
        await self._hand_over([], lambda: self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._hand_over([], lambda: None)  # stands behind every unit that was accepted, so those are finished
        await asyncio.to_thread(self._writer.stop)
        # The reader goes first: the last connection to close is the one that empties the log into the main file.
        self._reader.close()
        self._connection.close()
        os.close(self._lock)


def _spell(table: Table, shape: tuple[Any, ...]) -> str:
    if shape[0] == "get":
        if set(shape[2]) not in [set(group) for group in (table.key, *table.unique)]:
            raise BadUnit(f"{table.name}: a row is got by its whole key or by a whole unique rule", fields=table.key)
        return sql.select(table, tuple((name, "=") for name in shape[2]), None, after=False).replace(
            "LIMIT ?", "LIMIT 1"
        )
    if shape[0] == "find":
        return sql.select(table, shape[2], shape[3], after=shape[4])
    return sql.aggregate(table, shape[2], shape[3], shape[4])


def _closed() -> StoreFailed:
    return StoreFailed(
        "the store is closed", code="store-closed", hint="The gateway is stopping; send it again to the next one."
    )
