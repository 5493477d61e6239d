"""A hospital under load that never gives up: the same body and key again until there is an answer."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from support.bills import SampleBill, sample_bill
from support.house import Answer, House

INSURERS = ("package", "huiyibao", "ant", "hcx")
_TROUBLE = (aiohttp.ClientError, ConnectionError, TimeoutError)


@dataclass
class Sent:
    bill: SampleBill
    order_id: str = ""
    """Known from the first 200 or 202 on: from here the bill must never be lost."""
    refused: list[int] = field(default_factory=list)
    final: dict[str, Any] = field(default_factory=dict)
    resent: int = 0


@dataclass
class Load:
    """``workers`` counters, each with one bill at a time, until ``enough`` is set."""

    house: House
    workers: int = 12
    insurers: tuple[str, ...] = INSURERS
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    sent: list[Sent] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=itertools.count)

    async def run(self, patience_s: float = 150) -> None:
        """Until ``enough`` is set and every bill is decided, or ``patience_s`` later; what is open then stays in ``sent``."""
        counters = {asyncio.create_task(self._counter()) for _ in range(self.workers)}
        await self.enough.wait()
        done, late = await asyncio.wait(counters, timeout=patience_s)
        for counter in late:
            counter.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for counter in done:
            counter.result()

    async def _counter(self) -> None:
        while not self.enough.is_set():
            insurer = self.insurers[next(self._turns) % len(self.insurers)]
            one = Sent(sample_bill(insurer))
            self.sent.append(one)
            await self._until_decided(one)

    async def _until_decided(self, one: Sent) -> None:
        """Send until acknowledged, then ask until decided."""
        while not one.order_id:
            await self._submit(one)
        while not one.final:
            await self._ask(one)

    async def _submit(self, one: Sent) -> None:
        try:
            answer = await self.house.submit(one.bill, wait=2)
        except _TROUBLE:
            one.resent += 1
            await asyncio.sleep(0.1)
            return
        self._note(one, answer)

    async def _ask(self, one: Sent) -> None:
        await asyncio.sleep(0.1)
        try:
            answer = await self.house.order(one.order_id)
        except _TROUBLE:
            return
        self._note(one, answer)

    def _note(self, one: Sent, answer: Answer) -> None:
        if answer.status not in (200, 202):
            one.refused.append(answer.status)
            return
        one.order_id = answer.document["order_id"]
        if answer.is_decided:
            one.final = answer.document
