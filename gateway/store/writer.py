"""The one writer: what waits, and what the next turns of the loop bring, joins one transaction, and one COMMIT with its fsync
acknowledges it.
"""

import asyncio
import queue
import threading
from asyncio import Future
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import NamedTuple

import apsw

from gateway.kernel.errors import LianpeiError
from gateway.store.api import Counters
from gateway.store.chain import Chain
from gateway.store.errors import BadUnit, Duplicate, StaleWrite, StoreFailed
from gateway.store.sql import Plan, Planned
from gateway.store.tables import Value

MAX_GROUP = 256
"""Units in one transaction: enough to hide fsync, few enough that the first of them does not wait long."""

COMPANY_S = 0.008
"""So long at most a group waits to become as large as the one before it. One who was alone last time waits for nobody."""
QUIET_TURNS = 4
"""Turns of the event loop without anything new to write, after which a group is written. A turn without work takes some
ten microseconds."""
PATIENCE_S = 0.1
"""A group is written after this time even if every turn brings more."""
PROBE_COMMITS = 16
"""Each writes one page to the log, together as much as a bill: less would still fit where its last attempt broke off."""

_CLASH = frozenset({apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_ROWID})
_PASSING = frozenset({apsw.SQLITE_FULL, apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_BUSY})
"""Nothing was synced and the transaction is undone: the next group may try again. After anything else (a failed fsync
above all) nobody knows what the disk holds, so the store stays closed until the process starts anew."""
_UNFIT = (apsw.ConstraintError, apsw.TooBigError, OverflowError, UnicodeError)
"""The row is at fault, not the disk: a clash, or a value that no column can hold."""

Work = list[Planned]
Settled = list[tuple["Future[None]", LianpeiError | None]]


class Job(NamedTuple):
    """Work to commit, or an errand for the committing thread that stands between two groups."""

    work: Work
    done: "Future[None]"
    errand: Callable[[], object] | None = None


class Writer:
    """Owns the writing connection. Statements run on the event loop, where no other thread fights for the interpreter;
    the COMMIT with its fsync runs in a thread, so that a slow disk stops nobody. What comes meanwhile is the next group.
    """

    def __init__(
        self, connection: apsw.Connection, settle: Callable[[Settled], None], chain: Chain | None = None
    ) -> None:
        self.counters = Counters()
        self.ready = True
        self._spent = False
        self._connection = connection
        self._execute = connection.execute
        self._settle = settle
        self._chain = chain
        self._waiting: deque[Job] = deque()
        self._busy = False
        self._company = 1
        """How many wrote together last time."""
        self._arrival: asyncio.TimerHandle | None = None
        """While a group waits for as many as last time."""
        self._told: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, Callable[[], Settled]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._serve, name="store-committer", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Called on the event loop."""
        self._waiting.append(job)
        if not self._busy:
            self._busy = True
            self._gather(job.done.get_loop())
        elif self._arrival is not None and self._all_came():
            self._arrival.cancel()
            self._all_here(job.done.get_loop())

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for who else is about to put something: a transaction for two costs little more than one for one."""
        if self._all_came():
            self._all_here(loop)
        else:
            self._arrival = loop.call_later(COMPANY_S, self._all_here, loop)

    def _all_came(self) -> bool:
        """As many as last time; an errand waits for nobody."""
        return len(self._waiting) >= self._company or self._waiting[-1].errand is not None

    def _all_here(self, loop: asyncio.AbstractEventLoop) -> None:
        self._arrival = None
        loop.call_soon(self._look, loop, loop.time() + PATIENCE_S, 0, 0)

    def _look(self, loop: asyncio.AbstractEventLoop, until: float, quiet: int, seen: int) -> None:
        """Once in a turn of the loop: the group is complete when ``QUIET_TURNS`` of them brought nothing more."""
        there = len(self._waiting)
        quiet = quiet + 1 if there == seen else 0
        if quiet < QUIET_TURNS and there < MAX_GROUP and loop.time() < until:
            loop.call_soon(self._look, loop, until, quiet, there)
        else:
            self._pump()

    def stop(self) -> None:
        """Finish what was put, then end the thread. Called off the event loop, when nothing is put any more."""
        self._told.put(None)
        self._thread.join()

    @property
    def waits_for_room(self) -> bool:
        """Not ready, and a ``probe`` may find that it is again."""
        return not self.ready and not self._spent

    def probe(self) -> None:
        """An errand: real commits, which leave everything as it was. Setting the version to what it is writes its page."""
        version = self._execute("PRAGMA user_version").get
        for _ in range(PROBE_COMMITS):
            self._execute(f"PRAGMA user_version = {version}")
        self.ready = not self._spent

    def _pump(self) -> None:
        """Write the next group and hand its COMMIT over."""
        while self._waiting:
            if self._waiting[0].errand is not None:
                job = self._waiting.popleft()
                self._hand_over(job.done.get_loop(), partial(self._run_errand, job))
                return
            group = self._take_group()
            settled, to_commit = self._write_group(group)
            if to_commit:
                self._hand_over(group[0].done.get_loop(), partial(self._commit, settled))
                return
            self._settle(settled)
        self._busy = False

    def _take_group(self) -> list[Job]:
        group: list[Job] = []
        while self._waiting and len(group) < MAX_GROUP and self._waiting[0].errand is None:
            group.append(self._waiting.popleft())
        self._company = len(group)
        return group

    def _hand_over(self, loop: asyncio.AbstractEventLoop, work: Callable[[], Settled]) -> None:
        self._told.put((loop, work))

    def _serve(self) -> None:
        """The thread: commits, and nothing else."""
        while (told := self._told.get()) is not None:
            loop, work = told
            settled = work()
            with suppress(RuntimeError):  # the event loop is gone and nobody waits; what was committed stays committed
                loop.call_soon_threadsafe(self._finished, settled)

    def _finished(self, settled: Settled) -> None:
        self._settle(settled)
        if self._waiting:
            self._gather(self._waiting[0].done.get_loop())
        else:
            self._busy = False

    def _run_errand(self, job: Job) -> Settled:
        return [(job.done, self._do(job))]

    def _do(self, job: Job) -> LianpeiError | None:
        try:
            if job.errand:
                job.errand()
        except Exception as wrong:
            self._failed(wrong)
            return _not_acknowledged(wrong)
        return None

    def _write_group(self, group: list[Job]) -> tuple[Settled, bool]:
        """Every job with its fate so far, and whether there is something to commit."""
        if self._spent:
            return [(job.done, _not_acknowledged()) for job in group], False
        try:
            settled = self._write_jobs(group)
            if self._chain is not None:
                kept = zip(group, settled, strict=True)
                self._chain.extend([job.work for job, (_, refusal) in kept if refusal is None])
            return settled, True
        except Exception as wrong:
            self._failed(wrong)
            return [(job.done, _not_acknowledged(wrong)) for job in group], False

    def _write_jobs(self, group: list[Job]) -> Settled:
        """Open a transaction and write the group into it. One that clashes is refused alone: clashes are rare, so the
        group is written straight, and anew with a savepoint per job when one of them clashed.
        """
        self._execute("BEGIN IMMEDIATE")
        if self._steps(chain.from_iterable([job.work for job in group])) is None:
            return [(job.done, None) for job in group]
        self._execute("ROLLBACK")
        self._execute("BEGIN IMMEDIATE")
        return [(job.done, self._write(job.work)) for job in group]

    def _commit(self, settled: Settled) -> Settled:
        """In the thread. A failing disk refuses the whole group."""
        try:
            self._execute("COMMIT")
        except Exception as wrong:
            self._failed(wrong)
            return [(done, _not_acknowledged(wrong)) for done, _ in settled]
        if self._chain is not None:
            self._chain.committed()
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

    def _steps(self, work: Iterable[Planned]) -> LianpeiError | None:
        """Table by table, each table's steps in their order; equal ones that follow each other are one statement."""
        tables: dict[str, list[tuple[Plan, list[tuple[Value, ...]]]]] = {}
        for plan, values in work:
            runs = tables.get(plan.table)
            if runs is None:
                tables[plan.table] = [(plan, [values])]
            elif runs[-1][0].sql == plan.sql:
                runs[-1][1].append(values)
            else:
                runs.append((plan, [values]))
        for runs in tables.values():
            for plan, rows in runs:
                refusal = self._run(plan, rows)
                if refusal is not None:
                    return refusal
        return None

    def _run(self, plan: Plan, rows: list[tuple[Value, ...]]) -> LianpeiError | None:
        before = self._connection.total_changes()
        try:
            self._connection.executemany(plan.sql, rows)
        except _UNFIT as wrong:
            return _refusal(wrong, plan.table)
        if plan.exactly_one and self._connection.total_changes() - before != len(rows):
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
