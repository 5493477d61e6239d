"""The night's work: lock the day that ended, ask each peer for its book, try again while it is late, and compare."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.claims.ledger import Ledger
from gateway.claims.reconciliation import rows
from gateway.claims.reconciliation.lock import CutOff
from gateway.claims.reconciliation.run import Runner
from gateway.claims.reconciliation.sources import Source
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import LianpeiError
from gateway.store.api import Row
from gateway.store.errors import Duplicate
from gateway.store.unit import Unit
from gateway.telemetry.logs import get_logger

_LOOK_S = 20.0
_WAITING, _DONE, _NO_FILE = "waiting", "done", "no_file"

_log = get_logger("reconciliation")


@dataclass(frozen=True, slots=True)
class Hours:
    """``lock_at`` is a time of day in China; None: only on demand. ``retry_s`` between asks for a late book, for
    ``give_up_s`` in all."""

    lock_at: time | None = time(2)
    retry_s: float = 1800
    give_up_s: float = 86_400


class Night:
    def __init__(
        self, ledger: Ledger, cut_off: CutOff, runner: Runner, sources: Sequence[Source], hours: Hours
    ) -> None:
        self._ledger = ledger
        self._cut_off = cut_off
        self._runner = runner
        self._sources = {source.peer: source for source in sources}
        self._hours = hours

    @property
    def peers(self) -> frozenset[str]:
        """Peers from which a book is expected."""
        return frozenset(self._sources)

    async def run(self) -> None:
        """For ever, by one process of all that share the database."""
        while True:
            try:
                await self.round()
            except LianpeiError as wrong:
                _log.event("reconciliation-stopped", code=wrong.error_code)
            await asyncio.sleep(_LOOK_S)

    async def round(self) -> None:
        """Lock every day that is due, and ask for every book that is due."""
        last = await self._ledger.read(self._cut_off.last)
        if last is not None:
            await self._expect(date.fromisoformat(last["day"]))
        for day in await self._days_due():
            await self.lock(day)
        now = self._ledger.clock.epoch_ms()
        due = {"state": _WAITING, "next_at": ("<=", now)}
        for row in await self._ledger.read(self._ledger.store.find, "recon_day", due, limit=1000):
            await self._ask(row)

    async def _days_due(self) -> list[date]:
        if self._hours.lock_at is None:
            return []
        now = self._ledger.clock.now().astimezone(SHANGHAI)
        newest = now.date() - timedelta(days=1 if now.time() >= self._hours.lock_at else 2)
        last = await self._ledger.read(self._cut_off.last)
        first = date.fromisoformat(last["day"]) + timedelta(days=1) if last is not None else newest
        return [first + timedelta(days=number) for number in range((newest - first).days + 1)]

    async def lock(self, day: date) -> None:
        """Lock a day's books and expect each peer's. Raises ``Conflict``."""
        await self._cut_off.lock(day)
        await self._expect(day)
        _log.event("day-locked", count=len(self._sources))

    async def _expect(self, day: date) -> None:
        """Each peer's book of a locked day is to be asked for: noted here, or after a crash between lock and note."""
        for peer in self._sources:
            key = {"day": day.isoformat(), "peer": peer}
            if await self._ledger.read(self._ledger.store.get, "recon_day", **key) is None:
                now = self._ledger.clock.epoch_ms()
                unit = Unit().insert(
                    "recon_day", **key, state=_WAITING, digest="", attempts=0, next_at=now, updated_at=now
                )
                with suppress(Duplicate):
                    await self._ledger.store.commit(unit)

    async def _ask(self, row: Row) -> None:
        source = self._sources.get(row["peer"])
        if source is None:
            return
        day = date.fromisoformat(row["day"])
        try:
            statement = await source.fetch(day)
            if statement is not None:
                await self._runner.run(day, source.peer, statement)
                await self._became(row, _DONE, 0, statement.digest)
                return
            code = "no-file-yet"
        except LianpeiError as wrong:
            code = wrong.error_code
        _log.event("statement-not-there", insurer=row["peer"], code=code)
        now = self._ledger.clock.epoch_ms()
        over = now - _midnight_after(day) >= self._hours.give_up_s * 1000
        await self._became(row, _NO_FILE if over else _WAITING, now + int(self._hours.retry_s * 1000), "")
        if over:
            await self._no_file(row)

    async def _became(self, row: Row, state: str, next_at: int, digest: str) -> None:
        key = {"day": row["day"], "peer": row["peer"]}
        times = {"attempts": row["attempts"] + 1, "next_at": next_at, "updated_at": self._ledger.clock.epoch_ms()}
        await self._ledger.store.commit(Unit().update("recon_day", key, state=state, digest=digest, **times))

    async def _no_file(self, row: Row) -> None:
        """Nobody compared: that is told as what it is, never as no difference."""
        unit, now = Unit(), self._ledger.clock.epoch_ms()
        for book in await self._ledger.read(rows.books, self._ledger.store, row["day"], row["peer"]):
            if book["state"] == "locked":
                unit.update("recon", {"recon_id": book["recon_id"]}, state=_NO_FILE, updated_at=now)
        if len(unit):
            await self._ledger.store.commit(unit)

    async def ask(self, day: date, peer: str) -> bool:
        """Ask for a peer's book now, however often it was asked for. Whether it was there."""
        source = self._sources.get(peer)
        statement = await source.fetch(day) if source is not None else None
        if statement is None:
            return False
        await self._runner.run(day, peer, statement)
        row = await self._ledger.read(self._ledger.store.get, "recon_day", day=day.isoformat(), peer=peer)
        if row is not None:
            await self._became(row, _DONE, 0, statement.digest)
        return True


def _midnight_after(day: date) -> int:
    return int(datetime.combine(day + timedelta(days=1), time(), SHANGHAI).timestamp() * 1000)
