"""A running claims room with its window, and how it leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from gateway.claims.conversation.engine import Engine
from gateway.claims.partners.renewal import Renewal
from gateway.clearing.carrier import Carrier
from gateway.config import Settings
from gateway.kernel.errors import LianpeiError
from gateway.store.api import AnyStore
from gateway.store.checkpoints import Checkpoints
from gateway.telemetry.metrics import Metrics
from gateway.wire.http import PartnerClient


@dataclass(slots=True)
class Gateway:
    """A running claims room with its window. ``stop`` finishes what it can and loses nothing."""

    settings: Settings
    home: Path
    store: AnyStore
    engine: Engine
    metrics: Metrics
    carrier: Carrier | None
    clients: list[PartnerClient]
    checkpoints: Checkpoints
    runners: list[web.AppRunner] = field(default_factory=list)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    renewal: Renewal = field(init=False)
    leaving: bool = False

    def __post_init__(self) -> None:
        self.renewal = Renewal(self.engine.registry)

    def ready(self) -> bool:
        return not self.leaving and self.store.ready and all(not task.done() for task in self.tasks)

    async def stop(self, grace_s: float | None = None) -> None:
        """Leave in order: not ready, no new bill, ``grace_s`` seconds for those under way, the rest to whoever goes on.

        A balancer that asks ``/readyz`` has ``stop_notice`` seconds to turn away before the hospitals' door closes.
        """
        claims, self.leaving = self.settings.claims, True
        assert claims is not None
        if grace_s is None:
            grace_s = claims.stop_grace
            await asyncio.sleep(claims.stop_notice)
        closing = [asyncio.ensure_future(runner.cleanup()) for runner in self.runners[:1]]
        await asyncio.sleep(0)
        if self.engine.running:
            await asyncio.wait(set(self.engine.running.values()), timeout=grace_s)
        await self._let_go()  # so that who waits at the door is told that the bill is kept, before the door is shut
        await asyncio.gather(*closing)
        for runner in self.runners[1:2]:
            await runner.cleanup()
        await self._hand_over()
        for runner in self.runners[2:]:
            await runner.cleanup()
        await self.store.close()

    async def _let_go(self) -> None:
        """Bills under way stay as their rows say. Whoever takes them up asks before it sends anything again."""
        while self.engine.running:
            workers = list(self.engine.running.values())
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _hand_over(self) -> None:
        """Nothing is done here any more; then what this process had is free for others at once."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._let_go()
        for client in self.clients:
            await client.close()
        for close in self.closing:
            await close()
        if self.carrier is not None:
            await self.carrier.close()
        if self.engine.ledger.leases is not None:
            await self.engine.ledger.leases.leave()
        if self.store.ready:
            with suppress(LianpeiError):
                await self.checkpoints.sign_new()
