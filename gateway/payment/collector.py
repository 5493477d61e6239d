"""Finds the orders whose time has come and takes each a step further, many at once, each by one task at a time."""

import asyncio
from contextlib import suppress
from functools import partial

from gateway.kernel.errors import LianpeiError
from gateway.payment.ledger import Ledger
from gateway.payment.metrics import Metrics
from gateway.payment.teller import Teller
from gateway.telemetry.logs import get_logger

_SELDOM = 25
"""So many rounds between looks for orders that a wrong clock put off."""

_log = get_logger("lianpei.payment")


class Collector:
    """One instance per database. ``run`` ends by cancellation and leaves nothing that the next start can't finish."""

    def __init__(self, ledger: Ledger, teller: Teller, metrics: Metrics, poll: float, most: int) -> None:
        """``poll`` in seconds, ``most`` orders at once."""
        self._ledger = ledger
        self._teller = teller
        self._metrics = metrics
        self._poll = poll
        self._most = most
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._rounds = 0

    def wake(self) -> None:
        """Look for due orders now."""
        self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                self._start_due()
                await self._rest()
                self._rounds += 1
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _start_due(self) -> None:
        free = self._most - len(self._busy)
        if free <= 0:
            return
        due = self._ledger.due(self._most + free)
        if self._rounds % _SELDOM == 0:
            due += self._teller.misdated(free)
        for settlement_id in due:
            if settlement_id not in self._busy and len(self._busy) < self._most:
                task = asyncio.create_task(self._step(settlement_id))
                self._busy[settlement_id] = task
                task.add_done_callback(partial(self._done, settlement_id))

    def _done(self, settlement_id: str, _: "asyncio.Task[None]") -> None:
        self._busy.pop(settlement_id, None)
        self._wake.set()

    async def _rest(self) -> None:
        # Not asyncio.wait_for: in Python 3.11 it can swallow a cancellation that meets the event.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll):
                await self._wake.wait()
        self._wake.clear()

    async def _step(self, settlement_id: str) -> None:
        """One exchange for one order. Whatever fails leaves the rows as they are: the order stays due."""
        standing = self._ledger.standing(settlement_id)
        if standing is None:
            return
        try:
            await self._teller.step(standing)
        except Exception as wrong:
            self._metrics.trouble(wrong.error_code if isinstance(wrong, LianpeiError) else "internal")
            _log.failure("order-step-failed", wrong)
            await asyncio.sleep(self._poll)
