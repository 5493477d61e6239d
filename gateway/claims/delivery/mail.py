"""How many events a hospital has not acknowledged: a number at hand, so that telling it costs no question per bill.

Counted are only hospitals that ever acknowledged. The number is at most ``FRESH_S`` old and is renewed beside the
answers, by counting only what came since the last look.
"""

import asyncio
from dataclasses import dataclass

from gateway.kernel.clock import Clock
from gateway.kernel.errors import BadRequest, LianpeiError
from gateway.store.api import AnyStore
from gateway.store.unit import Unit
from gateway.telemetry.logs import get_logger

FRESH_S = 1.0
_NEVER = -1

_log = get_logger("feed")


@dataclass(slots=True)
class _Count:
    acked: int = _NEVER
    """Up to where the feed was acknowledged; ``_NEVER`` before the first time."""
    seen: int = 0
    """Up to where events are counted."""
    waiting: int = 0
    looked_at: float = 0.0


class Mail:
    def __init__(self, store: AnyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts: dict[str, _Count] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}

    def waiting(self, hospital: str) -> int | None:
        """Events not acknowledged; None for a hospital that never did, or of which nothing is known yet."""
        known = self._counts.get(hospital)
        if known is None:
            known = self._counts[hospital] = _Count(looked_at=-FRESH_S)
        if self._clock.monotonic() - known.looked_at >= FRESH_S and hospital not in self._looking:
            looking = asyncio.get_running_loop().create_task(self._renew(hospital, known))
            self._looking[hospital] = looking
            looking.add_done_callback(lambda _: self._looking.pop(hospital, None))
        return None if known.acked == _NEVER else known.waiting

    async def _renew(self, hospital: str, known: _Count) -> None:
        known.looked_at = self._clock.monotonic()
        try:
            await self._store.read(self._count, hospital, known)
        except LianpeiError as wrong:
            _log.event("mail-not-counted", code=wrong.error_code)

    def _count(self, hospital: str, known: _Count) -> None:
        """Inside ``read``; one at a time per hospital."""
        row = self._store.get("feed_ack", hospital=hospital)
        if row is None:
            return
        if known.acked == _NEVER:
            known.acked = known.seen = row["seq"]
        if row["seq"] > known.acked:
            gone = min(row["seq"], known.seen)
            known.waiting -= self._between(hospital, known.acked, gone)
            known.acked, known.seen = row["seq"], max(known.seen, row["seq"])
        newest = self._store.find("event", {"hospital": hospital}, order_by="-seq", limit=1)
        last = newest[0]["seq"] if newest else known.seen
        known.waiting += self._between(hospital, known.seen, last)
        known.seen = max(known.seen, last)

    def _between(self, hospital: str, after: int, upto: int) -> int:
        """Events of a hospital with ``after`` < number <= ``upto``."""
        if upto <= after:
            return 0
        above = self._store.count("event", {"hospital": hospital, "seq": (">", after)})
        return above - self._store.count("event", {"hospital": hospital, "seq": (">", upto)})

    async def acknowledge(self, hospital: str, upto: int) -> int:
        """The hospital has every event up to this number; it never goes back. Returns what is still waiting."""
        row = await self._store.read(self._newest_and_acked, hospital)
        newest, acked = row
        if upto > newest:
            raise BadRequest(
                "this event is not in your feed", code="ack-beyond", hint="Acknowledge the last seq that you have read."
            )
        if upto > acked:
            await self._store.commit(
                Unit().upsert("feed_ack", hospital=hospital, seq=upto, updated_at=self._clock.epoch_ms())
            )
        known = self._counts.setdefault(hospital, _Count())
        looking = self._looking.get(hospital)
        if looking is not None:
            await asyncio.wait({looking})
        await self._renew(hospital, known)
        return known.waiting

    def _newest_and_acked(self, hospital: str) -> tuple[int, int]:
        newest = self._store.find("event", {"hospital": hospital}, order_by="-seq", limit=1)
        row = self._store.get("feed_ack", hospital=hospital)
        return (newest[0]["seq"] if newest else 0), (row["seq"] if row is not None else _NEVER)
