"""Writes groups of units into PostgreSQL: one transaction, one COMMIT and its fsync, and one round trip for all of a group.

Every group of every process begins by locking the one row of ``store_head``. So groups follow each other: a number that
a reader sees has no smaller one still to come, the chain has one newest link, and two groups never wait for each other
in a circle. What depends on the group before (numbers, the link) is reckoned by the server while it holds the lock, so
that nobody waits for a gateway that has other things to do: from lock to COMMIT the server is alone with the group.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection, AsyncCursor, errors
from psycopg.errors import Diagnostic

from gateway.kernel.errors import LianpeiError
from gateway.store import postgres_words as words
from gateway.store.chain import TABLE, Gathered
from gateway.store.errors import BadUnit, Duplicate, StaleWrite
from gateway.store.postgres_link import Link
from gateway.store.sql import MAX_SHAPES, Plan, Planned

Steps = Sequence[Planned]

_IDLE_S = 0.5
"""A connection that lay idle longer is tried first: a group that meets a dead one is in doubt."""
_UNFIT = (
    errors.IntegrityError,
    errors.DataError,
    errors.ProgramLimitExceeded,
    errors.UntranslatableCharacter,
    OverflowError,
    UnicodeError,
)
"""The row is at fault, not the database: a clash, or a value that no column can hold."""


class GroupWriter:
    """Owns the writing connection; one group at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._tables = link.schema.by_name
        self._gathered = Gathered(link.schema) if TABLE in self._tables else None
        self._spoken: dict[tuple[str, bool], bytes] = {}
        self._open: AsyncConnection[tuple[Any, ...]] | None = None
        self._used = 0.0
        self._warned = False

    async def close(self) -> None:
        if self._open is not None:
            opened, self._open = self._open, None
            await opened.close()

    async def probe(self) -> None:
        """Returns when the database takes writes: a commit that changes nothing is on the disks that were asked for."""
        try:
            connection = await self._connection()
            self._warned = False
            async with connection.pipeline():
                await connection.execute("BEGIN")
                await connection.execute(words.LOCK)
                await connection.execute(words.TOUCH)
                done = await connection.execute("COMMIT")
            self._require_durable(done)
        except BaseException:
            await self.close()
            raise

    async def write(self, steps: Steps) -> LianpeiError | None:
        """None when all of it is durable, or why its rows can't be kept: then nothing was written.

        Any exception means that the group is in doubt.
        """
        try:
            connection = await self._connection()
            refusal = await self._attempt(connection, steps)
            if refusal is not None:
                await connection.execute("ROLLBACK")
        except BaseException:
            await self.close()
            raise
        self._used = time.monotonic()
        return refusal

    async def _connection(self) -> AsyncConnection[tuple[Any, ...]]:
        """One that died while it lay idle is found here, where a second attempt can't do anything twice."""
        if self._open is not None and time.monotonic() - self._used > _IDLE_S:
            try:
                await self._open.execute("SELECT 1")
            except psycopg.OperationalError:
                await self.close()
        if self._open is None:
            self._open = await self._link.writing()
            self._open.add_notice_handler(self._warn)
        return self._open

    async def _attempt(self, connection: AsyncConnection[tuple[Any, ...]], steps: Steps) -> LianpeiError | None:
        """After a row that can't be kept the server skips the rest, COMMIT included."""
        rows, counts = self._numbered(steps)
        told: list[AsyncCursor[tuple[Any, ...]]] = []
        batches = _batches(rows)
        self._warned = False
        try:
            async with connection.pipeline():
                await connection.execute("BEGIN")
                await connection.execute(words.LOCK, prepare=True)
                for plan, lot in batches:
                    told.append(await connection.execute(self._statement(plan, len(lot)), _bound(lot), prepare=True))
                await self._move_head(connection, steps, counts)
                done = await connection.execute("COMMIT")
        except _UNFIT as unfit:
            failed = sum(cursor.rowcount >= 0 for cursor in told)
            return _refusal(unfit, batches[min(failed, len(batches) - 1)][0].table)
        self._require_durable(done)
        return None

    def _require_durable(self, done: AsyncCursor[tuple[Any, ...]]) -> None:
        # PostgreSQL answers a COMMIT in a broken transaction with success and the word ROLLBACK; and one whose standby
        # did not answer with success and a warning.
        if done.statusmessage != "COMMIT" or self._warned:
            raise errors.TransactionResolutionUnknown("not surely on the disks that were asked for")

    def _numbered(self, steps: Steps) -> tuple[Steps, dict[str, int]]:
        """The steps with each new row's place among those of its numbered table, and how many rows each was given."""
        counts: dict[str, int] = {}
        rows: list[tuple[Plan, tuple[Any, ...]]] = []
        for plan, values in steps:
            if self._tables[plan.table].serial and plan.sql.startswith("INSERT"):
                counts[plan.table] = number = counts.get(plan.table, 0) + 1
                values = (number, *values)
            rows.append((plan, values))
        return rows, counts

    def _statement(self, plan: Plan, rows: int) -> bytes:
        shape = plan.sql, rows > 1
        statement = self._spoken.get(shape)
        if statement is None:
            if len(self._spoken) >= MAX_SHAPES:
                self._spoken.clear()
            speak = words.spoken_rows if rows > 1 else words.spoken_step
            statement = self._spoken[shape] = speak(plan, self._tables[plan.table]).encode()
        return statement

    async def _move_head(
        self, connection: AsyncConnection[tuple[Any, ...]], steps: Steps, counts: dict[str, int]
    ) -> None:
        refs, digests = self._gathered.rows(steps) if self._gathered is not None else ([], {})
        if not digests:
            if counts:
                await connection.execute(words.MOVE_HEAD, (_json(counts),), prepare=True)
            return
        numbered = {table: len(digests[table]) for table in digests if table}
        rows = [digest for table in sorted(digests) for digest in digests[table]]
        entry = (_json(numbered), time.time_ns() // 1_000_000, "\n".join(refs), _json(rows), _json(counts | {TABLE: 1}))
        await connection.execute(words.EXTEND_CHAIN, entry, prepare=True)

    def _warn(self, notice: Diagnostic) -> None:
        self._warned = self._warned or notice.severity_nonlocalized == "WARNING"


def _batches(rows: Steps) -> list[tuple[Plan, list[tuple[Any, ...]]]]:
    """New rows of one shape as one statement, where the group does nothing else to their table; the rest as it came."""
    mixed = {plan.table for plan, _ in rows if not plan.inserted}
    lots: dict[str, list[tuple[Any, ...]]] = {}
    batches: list[tuple[Plan, list[tuple[Any, ...]]]] = []
    for plan, values in rows:
        lot = lots.get(plan.sql)
        if plan.table in mixed or lot is None:
            lot = lots[plan.sql] = []
            batches.append((plan, lot))
        lot.append(values)
    return batches


def _bound(lot: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The values of one row, or a list for each column of several; in a list numbers are texts, see ``spoken_rows``."""
    if len(lot) == 1:
        return lot[0]
    return tuple(
        [str(value) if isinstance(value, int) else value for value in column] for column in zip(*lot, strict=True)
    )


def _json(value: dict[str, int] | list[str]) -> str:
    return msgspec.json.encode(value).decode()


def _refusal(wrong: Exception, table: str) -> LianpeiError:
    if isinstance(wrong, errors.DivisionByZero):
        return StaleWrite(table)
    if isinstance(wrong, errors.UniqueViolation):
        return Duplicate(table)
    return BadUnit(f"{table}: a value is not one this table can hold")
