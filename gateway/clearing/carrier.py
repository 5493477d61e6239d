"""Carries decisions to the payment room and receipts back: at least once, under ids that make repeats harmless."""

import asyncio
import random
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import time

from gateway.clearing.complaint import Complaint
from gateway.clearing.door import PaymentDoor
from gateway.clearing.errands import Errands
from gateway.clearing.reader import NotYet
from gateway.clearing.rows import Rows
from gateway.kernel.clock import Clock
from gateway.kernel.secret import Secret
from gateway.payment.capabilities import Capabilities
from gateway.store.api import AnyStore, Row
from gateway.telemetry.logs import get_logger
from gateway.wire.http import PartnerClient

PAGE = 64
SIDE_BY_SIDE = 4
"""Errands under way at a time: a whole page at once would hold up the counters for tens of milliseconds."""
CUTOFF = time(17, 30)
"""Only what was brought before it may be paid later, unless the settings say otherwise."""
FIRST_WAIT, LONGEST_WAIT = 0.2, 60.0
"""Seconds between attempts while the payment room can't be reached."""

SELDOM = 25
"""So many polls between looks for receipts while nothing is on its way, and for errands that a wrong clock put off."""

_log = get_logger("lianpei.clearing")


class Carrier:
    """``run`` ends by cancellation; every step it was in is finished by the next start."""

    def __init__(
        self,
        store: AnyStore,
        clock: Clock,
        payment_url: str,
        secret: Secret[str],
        tls: ssl.SSLContext | None,
        every: float = 0.2,
        channels: Sequence[Capabilities] = (),
        cutoff: time = CUTOFF,
    ) -> None:
        """``store`` is the claims room's, ``every`` the poll in seconds, ``channels`` in the order of preference.
        Needs a running event loop."""
        self._rows = Rows(store, clock)
        self._door = PaymentDoor(PartnerClient(payment_url, tls=tls), secret, clock)
        self._errands = Errands(self._rows, self._door, channels, cutoff)
        self._poll = every
        self._decided = asyncio.Event()
        self._idle = 0
        self._complaint = Complaint(clock)

    def wake(self) -> None:
        """A decision was written: carry it now."""
        self._decided.set()

    async def close(self) -> None:
        """Let the connection to the payment room go, after ``run`` has ended."""
        await self._door.close()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._outward())
            loops.create_task(self._inward())

    async def _outward(self) -> None:
        while True:
            try:
                if await self.carry_decided():
                    continue
            except Exception as wrong:
                _trouble("decision-not-carried", wrong)
            await self._rest()

    async def _rest(self) -> None:
        # Not asyncio.wait_for: in Python 3.11 it can swallow a cancellation that meets the event.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll):
                await self._decided.wait()
        self._decided.clear()

    async def _inward(self) -> None:
        """Often while an order is on its way, seldom otherwise: every question costs the payment room a durable nonce."""
        loop, asked_at = asyncio.get_running_loop(), 0.0
        while True:
            try:
                if await self._rows.waiting() or loop.time() - asked_at > SELDOM * self._poll:
                    asked_at = loop.time()
                    more = await self.fetch_receipts()
                    self._complaint.over()
                    if more:
                        continue
            except Exception as wrong:  # a database that is away comes back
                self._complaint.make(wrong)
            await asyncio.sleep(self._poll)

    async def carry_decided(self) -> int:
        """One page of decisions, each tried once. Returns how many reached their end or are with the payment room."""
        page = await self._rows.decided(PAGE)
        if not page:
            self._idle += 1
            if self._idle % SELDOM == 0:
                page = await self._rows.misdated(int(2000 * LONGEST_WAIT), PAGE)
        rows = iter(page)

        async def one_after_another() -> int:
            return sum([await self._carry(row) for row in rows])

        return sum(await asyncio.gather(*(one_after_another() for _ in range(SIDE_BY_SIDE))))

    async def _carry(self, row: Row) -> bool:
        """One decision; what can't be carried now waits its turn and holds up no other."""
        try:
            if await self._errands.do(row):
                await self._rows.carried(row)
                return True
        except NotYet:
            pass
        except Exception as wrong:
            _trouble("decision-not-carried", wrong)
        most = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(row["attempts"], 20))
        await self._rows.later(row, int(1000 * most * random.uniform(0.5, 1)))
        return False

    async def fetch_receipts(self) -> int:
        """One page of receipts into the settlements' states. Returns how many came."""
        receipts = await self._door.receipts(await self._rows.last_receipt())
        for receipt in receipts:
            if not await self._rows.receive(receipt):
                _log.warning("receipt-without-settlement", count=receipt.seq)
        return len(receipts)


def _trouble(told: str, wrong: Exception) -> None:
    _log.failure(told, wrong)
