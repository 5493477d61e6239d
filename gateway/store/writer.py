"""The one thread that writes: what is queued joins one transaction, and one COMMIT with its fsync acknowledges it."""

import queue
import threading
from asyncio import Future
from collections.abc import Callable
from typing import Any, NamedTuple

import apsw

from gateway.kernel.errors import LianpeiError
from gateway.store.api import Counters
from gateway.store.errors import BadUnit, Duplicate, StaleWrite, StoreFailed
from gateway.store.sql import Plan

MAX_GROUP = 256
"""Units in one transaction: enough to hide fsync, few enough that the first of them does not wait long."""

_CLASH = frozenset({apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_ROWID})
_PASSING = frozenset({apsw.SQLITE_FULL, apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_BUSY})
"""Nothing was synced and the transaction is undone: the next group may try again. After anything else (a failed fsync
above all) nobody knows what the disk holds, so the store stays closed until the process starts anew."""
_UNFIT = (apsw.ConstraintError, apsw.TooBigError, OverflowError, UnicodeError)
"""The row is at fault, not the disk: a clash, or a value that no column can hold."""

Work = list[tuple[Plan, tuple[Any, ...]]]
Settled = list[tuple["Future[None]", LianpeiError | None]]


class Job(NamedTuple):
    """Work to commit, or an errand for the writing thread that stands between two groups."""

    work: Work
    done: "Future[None]"
    errand: Callable[[], object] | None = None


class Writer(threading.Thread):
    """Owns the writing connection. ``put`` from the event loop; ``settle`` is called there once per group."""

    def __init__(self, connection: apsw.Connection, settle: Callable[[Settled], None]) -> None:
        super().__init__(name="store-writer", daemon=True)
        self.counters = Counters()
        self.ready = True
        self._spent = False
        self._connection = connection
        self._execute = connection.execute
        self._settle = settle
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.put = self._jobs.put

    def run(self) -> None:
        while True:
            jobs, errand, end = self._gather()
            if jobs:
                self._announce(self._commit(jobs))
            if errand:
                self._announce([(errand.done, self._do(errand))])
            if end:
                return

    def _gather(self) -> tuple[list[Job], Job | None, bool]:
        """Wait for the first job, take what else is there; an errand or the end closes the group."""
        group: list[Job] = []
        try:
            job = self._jobs.get()
            while job is not None:
                if job.errand:
                    return group, job, False
                group.append(job)
                if len(group) >= MAX_GROUP:
                    return group, None, False
                job = self._jobs.get_nowait()
        except queue.Empty:
            return group, None, False
        return group, None, True

    def _do(self, job: Job) -> LianpeiError | None:
        try:
            if job.errand:
                job.errand()
        except Exception as wrong:
            self._failed(wrong)
            return _not_acknowledged(wrong)
        return None

    def _commit(self, group: list[Job]) -> Settled:
        """Every job with its fate. One that clashes is refused alone; a failing disk refuses them all."""
        if self._spent:
            return [(job.done, _not_acknowledged()) for job in group]
        try:
            self._execute("BEGIN IMMEDIATE")
            settled = [(job.done, self._write(job.work)) for job in group]
            self._execute("COMMIT")
        except Exception as wrong:
            self._failed(wrong)
            return [(job.done, _not_acknowledged(wrong)) for job in group]
        self._count(settled)
        return settled

    def _count(self, settled: Settled) -> None:
        refused = sum(error is not None for _, error in settled)
        self.counters.groups += 1
        self.counters.units += len(settled) - refused
        self.counters.refused += refused
        self.ready = True

    def _write(self, work: Work) -> LianpeiError | None:
        """One unit inside the group. A single statement is atomic by itself; several need a savepoint."""
        if len(work) == 1:
            return self._steps(work)
        self._execute("SAVEPOINT unit")
        refusal = self._steps(work)
        if refusal is not None:
            self._execute("ROLLBACK TO unit")
        self._execute("RELEASE unit")
        return refusal

    def _steps(self, work: Work) -> LianpeiError | None:
        execute, changes = self._execute, self._connection.changes
        for plan, values in work:
            try:
                execute(plan.sql, values)
            except _UNFIT as wrong:
                return _refusal(wrong, plan.table)
            if plan.exactly_one and changes() != 1:
                return StaleWrite(plan.table)
        return None

    def _failed(self, wrong: Exception) -> None:
        self.ready = False
        self.counters.failed_groups += 1
        self._spent = self._spent or _code(wrong) not in _PASSING
        try:
            if self._connection.in_transaction:
                self._execute("ROLLBACK")
        except apsw.Error:
            self._spent = True

    def _announce(self, settled: Settled) -> None:
        try:
            settled[0][0].get_loop().call_soon_threadsafe(self._settle, settled)
        except RuntimeError:
            return  # the event loop is gone and nobody waits; what was committed stays committed


def _refusal(wrong: Exception, table: str) -> LianpeiError:
    if _code(wrong) in _CLASH:
        return Duplicate(table)
    return BadUnit(f"{table}: a value is not one this table can hold")


def _code(wrong: Exception) -> int | None:
    """SQLite's extended result code; None for an exception that is not SQLite's."""
    return getattr(wrong, "extendedresult", None)


def _not_acknowledged(wrong: Exception | None = None) -> StoreFailed:
    """One for each who waits: an exception raised in many tasks at once would gather all their tracebacks."""
    failure = StoreFailed(
        "the database could not be written",
        hint="Nothing was acknowledged. Free disk space or mend the disk; a store that stays unready needs a restart.",
    )
    failure.__cause__ = wrong
    return failure
