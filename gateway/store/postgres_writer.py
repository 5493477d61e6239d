"""Writes groups of units into PostgreSQL: one transaction, one COMMIT and its fsync for all of a group.

Every group of every process begins by locking the one row of ``store_head``. So groups follow each other: a number that
a reader sees has no smaller one still to come, the chain has one newest link, and two groups never wait for each other
in a circle. While one process waits for the lock its next group grows, so the lock costs latency and not throughput.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection, AsyncCursor, errors
from psycopg.errors import Diagnostic

from gateway.kernel.errors import LianpeiError
from gateway.store import postgres_words as words
from gateway.store.chain import TABLE, Gathered, entry_json, link_of
from gateway.store.errors import BadUnit, Duplicate, StaleWrite
from gateway.store.postgres_link import Link
from gateway.store.sql import MAX_SHAPES, Plan

_LINK = "INSERT INTO chain (seq, at, refs, link) VALUES (%s, %s, %s, %s)"
Steps = Sequence[tuple[Plan, tuple[Any, ...]]]

_UNFIT = (
    errors.IntegrityError,
    errors.DataError,
    errors.ProgramLimitExceeded,
    errors.UntranslatableCharacter,
    OverflowError,
    UnicodeError,
)
"""The row is at fault, not the database: a clash, or a value that no column can hold."""


@dataclass(slots=True)
class Head:
    """The locked row: newest number by table, newest link."""

    numbers: dict[str, int]
    link: str


class GroupWriter:
    """Owns the writing connection; one group at a time. Any exception of ``write`` means that the group is in doubt."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._tables = link.schema.by_name
        self._numbered = words.numbered(link.schema)
        self._gathered = Gathered(link.schema) if TABLE in self._tables else None
        self._spoken: dict[str, bytes] = {}
        self._open: AsyncConnection[tuple[Any, ...]] | None = None
        self._warned = False

    async def close(self) -> None:
        if self._open is not None:
            opened, self._open = self._open, None
            await opened.close()

    async def probe(self) -> None:
        """Returns when the database takes writes."""
        connection, _ = await self._begin()
        await connection.execute("ROLLBACK")

    async def write(self, works: Sequence[Steps]) -> list[LianpeiError | None]:
        """The fate of each unit. Raises whatever went wrong with the group as a whole; then nothing is acknowledged."""
        try:
            connection, head = await self._begin()
            refusals = await self._write(connection, head, works)
            kept = [work for work, refusal in zip(works, refusals, strict=True) if refusal is None]
            await self._end(connection, head, kept)
        except BaseException:
            await self.close()
            raise
        return refusals

    async def _begin(self) -> tuple[AsyncConnection[tuple[Any, ...]], Head]:
        """A connection that died while it lay idle is found here, where a second attempt can't do anything twice."""
        if self._open is not None:
            try:
                return self._open, await self._lock(self._open)
            except psycopg.OperationalError:
                if not self._open.broken:
                    raise
                await self.close()
        self._open = await self._link.writing()
        self._open.add_notice_handler(self._warn)
        return self._open, await self._lock(self._open)

    async def _lock(self, connection: AsyncConnection[tuple[Any, ...]]) -> Head:
        async with connection.pipeline():
            await connection.execute("BEGIN")
            found = await connection.execute("SELECT numbers, link FROM store_head FOR UPDATE", prepare=True)
        row = await found.fetchone()
        if row is None:
            raise errors.NoDataFound("store_head")
        return Head(msgspec.json.decode(row[0], type=dict[str, int]), row[1])

    async def _write(
        self, connection: AsyncConnection[tuple[Any, ...]], head: Head, works: Sequence[Steps]
    ) -> list[LianpeiError | None]:
        """Clashes are rare: all is tried at once, and in halves when something in it clashed."""
        before = dict(head.numbers)
        refusal = await self._attempt(connection, head, works)
        if refusal is None:
            return [None] * len(works)
        head.numbers = before
        await connection.execute("ROLLBACK TO SAVEPOINT part")
        if len(works) == 1:
            return [refusal]
        half = len(works) // 2
        first = await self._write(connection, head, works[:half])
        return first + await self._write(connection, head, works[half:])

    async def _attempt(
        self, connection: AsyncConnection[tuple[Any, ...]], head: Head, works: Sequence[Steps]
    ) -> LianpeiError | None:
        """Why not all of it can be kept, or None."""
        steps = [step for work in works for step in work]
        told: list[AsyncCursor[tuple[Any, ...]]] = []
        wrong: Exception | None = None
        try:
            async with connection.pipeline():
                await connection.execute("SAVEPOINT part")
                for plan, values in steps:
                    told.append(await self._execute(connection, head, plan, values))
        except _UNFIT as unfit:
            wrong = unfit
        for (plan, _), cursor in zip(steps, told, strict=False):
            if cursor.rowcount < 0:
                return _refusal(wrong, plan.table)
            if plan.exactly_one and cursor.rowcount != 1:
                return StaleWrite(plan.table)
        return _refusal(wrong, steps[len(told)][0].table) if wrong else None

    async def _execute(
        self, connection: AsyncConnection[tuple[Any, ...]], head: Head, plan: Plan, values: tuple[Any, ...]
    ) -> AsyncCursor[tuple[Any, ...]]:
        statement = self._spoken.get(plan.sql)
        if statement is None:
            if len(self._spoken) >= MAX_SHAPES:
                self._spoken.clear()
            statement = words.spoken_step(plan, self._tables[plan.table]).encode()
            self._spoken[plan.sql] = statement
        if plan.table in self._numbered and plan.sql.startswith("INSERT"):
            head.numbers[plan.table] = number = head.numbers.get(plan.table, 0) + 1
            values = (number, *values)
        return await connection.execute(statement, values, prepare=True)

    async def _end(self, connection: AsyncConnection[tuple[Any, ...]], head: Head, kept: Sequence[Steps]) -> None:
        if not kept:
            await connection.execute("ROLLBACK")
            return
        self._warned = False
        async with connection.pipeline():
            if self._gathered is not None:
                await self._extend_chain(connection, head, kept)
            numbers = msgspec.json.encode(head.numbers).decode()
            await connection.execute("UPDATE store_head SET numbers = %s, link = %s", (numbers, head.link))
            done = await connection.execute("COMMIT")
        # PostgreSQL answers a COMMIT in a broken transaction with success and the word ROLLBACK; and one whose standby
        # did not answer with success and a warning.
        if done.statusmessage != "COMMIT" or self._warned:
            raise errors.TransactionResolutionUnknown("not surely on the disks that were asked for")

    async def _extend_chain(
        self, connection: AsyncConnection[tuple[Any, ...]], head: Head, kept: Sequence[Steps]
    ) -> None:
        assert self._gathered is not None
        refs, digests = self._gathered.entry(kept, lambda table: head.numbers[table])
        if not refs:
            return
        seq, at = head.numbers.get(TABLE, 0) + 1, time.time_ns() // 1_000_000
        head.link = link_of(entry_json(seq, at, head.link, digests))
        head.numbers[TABLE] = seq
        await connection.execute(_LINK, (seq, at, "\n".join(refs), head.link), prepare=True)

    def _warn(self, notice: Diagnostic) -> None:
        self._warned = self._warned or notice.severity_nonlocalized == "WARNING"


def _refusal(wrong: Exception | None, table: str) -> LianpeiError:
    if isinstance(wrong, errors.UniqueViolation):
        return Duplicate(table)
    return BadUnit(f"{table}: a value is not one this table can hold")
