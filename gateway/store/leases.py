"""Leases in a database that several processes share: who lives, and who alone does a thing.

A lease is a row with its holder and its end. Whoever dies lets it run out. Times are the processes' clocks, so these
must agree to well within ``TTL_MS``. A lease keeps two from doing the same work; what must never happen twice is
fenced by the version that every commit of the work expects, not by a clock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from gateway.kernel.clock import Clock
from gateway.kernel.errors import LianpeiError, NotSent
from gateway.store.api import AnyStore
from gateway.store.errors import Duplicate, StaleWrite
from gateway.store.unit import Unit

TTL_MS = 10_000
_TOO_FAR_MS = 2 * TTL_MS
"""An end further off than any lease lasts was written by a clock that was wrong: whoever wrote it may be dead for long."""
_EVERY_S = 2.0
_AWAKE_S = TTL_MS / 2000
"""Shorter than a lease that was renewed some seconds ago still lasts."""
_NODE = "node:"


class Leases:
    """``holder`` is this process, a new name at each start."""

    def __init__(self, store: AnyStore, clock: Clock, holder: str) -> None:
        self.holder = holder
        self._store = store
        self._clock = clock

    async def hold(self, name: str) -> bool:
        """Take or keep the lease for another ``TTL_MS``; False while another holds it."""
        row = await self._store.read(self._store.get, "lease", name=name)
        now = self._clock.epoch_ms()
        mine: dict[str, str | int | bytes | None] = {"holder": self.holder, "until": now + TTL_MS}
        unit = Unit()
        if row is None:
            unit.insert("lease", name=name, token=1, **mine)
        elif row["holder"] == self.holder or _is_over(row["until"], now):
            unit.update("lease", {"name": name}, expect={"token": row["token"]}, token=row["token"] + 1, **mine)
        else:
            return False
        try:
            await self._store.commit(unit)
        except (Duplicate, StaleWrite):
            return False
        return True

    async def hold_node(self) -> None:
        """Show that this process lives."""
        await self.hold(_NODE + self.holder)

    async def live(self) -> None:
        """Show for ever that this process lives."""
        while True:
            with suppress(LianpeiError):
                await self.hold_node()
            await asyncio.sleep(_EVERY_S)

    def living(self) -> int:
        """How many processes share the database now, this one included. Asked inside ``read``."""
        rows = self._store.find("lease", {"until": (">", self._clock.epoch_ms())}, limit=1000)
        return max(1, len([row for row in rows if row["name"] == _NODE + row["holder"]]))

    async def leave(self) -> None:
        """What this process has is free for others at once."""
        with suppress(LianpeiError):
            for row in await self._store.read(self._store.find, "lease", {"holder": self.holder}, limit=1000):
                await self._store.commit(Unit().update("lease", {"name": row["name"]}, until=0))

    def gone(self, for_ms: int = 0) -> list[str]:
        """Processes of which nothing was heard for ``for_ms`` beyond their lease. Asked inside ``read``."""
        now = self._clock.epoch_ms()
        rows = self._store.find("lease", {"until": ("<=", now - for_ms)}, order_by="until", limit=1000)
        if not for_ms:
            rows += self._store.find("lease", {"until": (">", now + _TOO_FAR_MS)}, order_by="until", limit=1000)
        others = [row["holder"] for row in rows if row["name"] == _NODE + row["holder"]]
        return [holder for holder in others if holder != self.holder]

    async def forget(self, holder: str) -> None:
        """A process that left nothing behind need not be remembered."""
        await self._store.commit(Unit().delete("lease", {"name": _NODE + holder, "holder": holder}))

    def is_mine_to_take(self, holder: str) -> bool:
        """Asked inside ``read``."""
        row = self._store.get("lease", name=_NODE + holder)
        return holder == self.holder or row is None or _is_over(row["until"], self._clock.epoch_ms())

    def require_awake(self, since: float) -> None:
        """Between the commit of an intent and its first byte. ``since``: monotonic seconds just before that commit.

        A process that was stopped in between may have lost its lease: another one may have found the intent, asked, and
        sent it. Raises ``NotSent``; what becomes of the intent is then fenced by the version as every other write.
        """
        if self._clock.monotonic() - since > _AWAKE_S:
            raise NotSent("this process stood still before it sent", code="stood-still")

    async def alone(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work`` while this process holds the lease, and stop it when it no longer does."""
        doing: asyncio.Future[None] | None = None
        try:
            while True:
                held = False
                with suppress(LianpeiError):
                    held = await self.hold(name)
                if held and doing is None:
                    doing = asyncio.ensure_future(work())
                if not held and doing is not None:
                    doing.cancel()
                    await asyncio.wait({doing})
                    doing = None
                await asyncio.wait({doing}, timeout=_EVERY_S) if doing else await asyncio.sleep(_EVERY_S)
                if doing is not None and doing.done():
                    doing.result()
        finally:
            if doing is not None:
                doing.cancel()


def _is_over(until: int, now: int) -> bool:
    return until <= now or until > now + _TOO_FAR_MS
