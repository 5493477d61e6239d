"""Keys and mappings anew while claims run: asked for by SIGHUP, done one after the other, beside the event loop."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.claims.partners.registry import Registry
from gateway.kernel.errors import MappingRefused
from gateway.mapping import LiveActs
from gateway.telemetry.logs import get_logger

_log = get_logger("lianpei.partners")


class Renewal:
    """Each folder is renewed by itself: one that fails keeps what serves, and the others are renewed all the same."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._asked = asyncio.Event()
        self.before: Callable[[], Awaitable[None]] | None = None
        """What else is renewed, before the mappings."""

    def ask(self) -> None:
        """Renew soon; asking again while a renewal runs makes one more after it."""
        self._asked.set()

    async def run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            if self.before is not None:
                await self.before()
            for partner in self._registry:
                if isinstance(partner.acts, LiveActs):
                    await self._renew(partner.code, partner.acts)

    async def _renew(self, code: str, acts: LiveActs) -> None:
        try:
            await asyncio.to_thread(acts.reload)
        except MappingRefused as refused:
            _log.event("mappings-kept", insurer=code, code=refused.error_code)
        else:
            _log.event("mappings-renewed", insurer=code)
