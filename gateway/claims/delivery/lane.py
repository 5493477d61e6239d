"""One hospital's lane: its deliveries, oldest first, a bill's in order, so that no receiver slows down another's."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.claims.delivery.endpoint import GONE, Endpoint, Told
from gateway.claims.delivery.rows import Rows, Standing, State
from gateway.kernel.errors import LianpeiError
from gateway.store.api import Row
from gateway.store.errors import StaleWrite
from gateway.store.unit import Unit
from gateway.telemetry.delivery_metrics import DeliveryMetrics
from gateway.telemetry.logs import get_logger

AT_ONCE = 4
"""Attempts at a time while the receiver takes them; one while it fails."""
LONGEST_REST_S = 5.0
"""A row that another process wrote (a re-send, an endpoint enabled again) is seen within this time."""
_JITTER = 0.1
_CLOCKS_DIFFER_MS = 5000
"""Hosts that share a database agree to within a second or two."""

_log = get_logger("webhooks")


@dataclass(frozen=True, slots=True)
class Ladder:
    """Pauses in seconds after the first attempt, the second …; after the last one a delivery is given up."""

    steps: Sequence[float] = (5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200)
    disable_after_s: float = 5 * 86_400
    """An endpoint that took nothing for this long is disabled until somebody enables it."""


@dataclass(slots=True)
class Lane:
    endpoint: Endpoint
    rows: Rows
    ladder: Ladder
    metrics: DeliveryMetrics
    recovered_at: int = 0
    """Since when the receiver takes deliveries again (epoch ms): what failed before is tried again at once."""
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self._told.set()

    async def run(self) -> None:
        """Serve until nothing waits. What is under way when this is cancelled is sent again, under the same event id."""
        with suppress(LianpeiError):  # a database that is away: the next lane forgets it
            await self.rows.forget_taken(self.endpoint.hospital)
        while True:
            self._told.clear()
            try:
                rest = await self.round()
            except LianpeiError as wrong:
                _log.event("webhooks-stopped", code=wrong.error_code)
                rest = LONGEST_REST_S
            if rest is None:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(min(rest, LONGEST_REST_S)):
                    await self._told.wait()

    async def round(self) -> float | None:
        """Everything due is tried once. Returns seconds until the next attempt, None when nothing waits."""
        hospital = self.endpoint.hospital
        standing = await self.rows.store.read(self.rows.standing, hospital)
        waiting = await self.rows.store.read(self.rows.waiting, hospital)
        if standing is None or not waiting:
            return None
        if standing["state"] == Standing.DISABLED:
            return LONGEST_REST_S
        now = self.rows.clock.epoch_ms()
        due = [row for row in waiting if self._is_due(row, now)]
        if not due:
            return (min(int(row["next_at"]) for row in waiting) - now) / 1000
        return await self._bring_all(due, standing)

    async def _bring_all(self, due: Sequence[Row], standing: Row) -> float:
        """Some at a time, until one is not taken; then look anew. A receiver that fails is tried seldom, not per event."""
        size = 1 if standing["failing_since"] else AT_ONCE
        for start in range(0, len(due), size):
            told = await asyncio.gather(*(self._bring(row) for row in due[start : start + size]))
            failed = [one for one in told if not one.taken]
            await self._stand(standing, failed, any(one.taken for one in told))
            if failed or standing["failing_since"]:
                return self.ladder.steps[0] if len(failed) == len(told) else 0.0
        return 0.0

    def _is_due(self, row: Row, now: int) -> bool:
        """An attempt that lies ahead of us was marked by a clock that was wrong, and so is its pause; a recovery as well."""
        if row["sent_at"] > now + _CLOCKS_DIFFER_MS:
            return True
        return bool(row["next_at"] <= now or 0 < row["sent_at"] < self.recovered_at <= now)

    async def _bring(self, row: Row) -> Told:
        told = await self.endpoint.bring(row, self.rows.clock.now())
        unit = Unit()
        if told.taken:
            self.rows.mark(unit, row, State.DELIVERED, told.status, 0)
            self.metrics.attempt("delivered")
        else:
            self._failed(unit, row, told)
        with suppress(StaleWrite):  # somebody else marked it: a re-send, or a process that took the lane over
            await self.rows.store.commit(unit)
        return told

    def _failed(self, unit: Unit, row: Row, told: Told) -> None:
        now = self.rows.clock.epoch_ms()
        before = self._climbed(row, now)
        over = before >= len(self.ladder.steps)
        pause = 0.0 if over else max(self.ladder.steps[before] * random.uniform(1, 1 + _JITTER), told.wait_s)
        state = State.GIVEN_UP if over else State.WAITING
        self.rows.mark(unit, row, state, told.status, now + int(pause * 1000), before)
        self.metrics.attempt("given_up" if over else "failed")
        _log.event(
            "webhook-failed", event_id=row["event_id"], status=told.status, code=told.code or f"http-{told.status}"
        )

    def _climbed(self, row: Row, now: int) -> int:
        """Attempts that count: what a wrong clock, or a short recovery, tried earlier than the ladder says is no step of it."""
        attempts, age = int(row["attempts"]), now - int(row["at"])
        if age < 0:
            return attempts
        due_s = itertools.accumulate(self.ladder.steps)
        return min(attempts, sum(1000 * one <= age + _CLOCKS_DIFFER_MS for one in due_s))

    async def _stand(self, standing: Row, failed: Sequence[Told], taken: bool) -> None:
        """Write down when the receiver begins or ends to fail, and disable it when it failed for too long."""
        now, since = self.rows.clock.epoch_ms(), standing["failing_since"]
        unit = Unit()
        if taken and since:
            self.recovered_at = now
            self.rows.stand(unit, standing, Standing.ENABLED, 0)
        elif failed and not taken:
            gone = any(one.status == GONE for one in failed)
            ends = gone or (since and now - since >= self.ladder.disable_after_s * 1000)
            if ends or not since:
                self.rows.stand(unit, standing, Standing.DISABLED if ends else Standing.ENABLED, since or now)
            if ends:
                _log.event("webhook-disabled", hospital=standing["hospital"], status=failed[0].status)
        if len(unit):
            with suppress(StaleWrite):  # an operator enabled it meanwhile
                await self.rows.store.commit(unit)
