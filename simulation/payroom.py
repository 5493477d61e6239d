"""The payment room as a process of this world: its real intake, desk, collector and teller, between the window and a channel."""

import asyncio
import json
import random
from collections.abc import Coroutine
from datetime import time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.kernel.errors import LianpeiError
from gateway.kernel.outcome import Answered, NotSent, Outcome, Refused, Unknown
from gateway.kernel.secret import Secret
from gateway.payment.channel import NOT_FOUND, Channel, Sent
from gateway.payment.collector import Collector
from gateway.payment.desk import Desk
from gateway.payment.endings import Endings
from gateway.payment.intake import Intake
from gateway.payment.ledger import Ledger
from gateway.payment.metrics import Metrics
from gateway.payment.model import ChannelAnswer
from gateway.payment.pace import Pace
from gateway.payment.paylater import PayLater
from gateway.payment.schedule import Schedule
from gateway.payment.teller import Teller
from gateway.store.payment_tables import PAYMENT
from simulation.bank import Bank
from simulation.disk import Disk, DiskTrouble
from simulation.process import Process
from simulation.profiles import SETTLING_S
from simulation.purse import CHANNELS, PAY
from simulation.wire import NEVER, Weather, give

if TYPE_CHECKING:
    from simulation.world import World

SECRET = Secret("w" * 32)
_POLL_S = 2.0
_ANSWER_S = 3.0
_WINDOW = timedelta(seconds=60)
_WATCH = timedelta(days=3)
"""So long a payout may still come back; what was paid last does so a while before it is over."""
_SCHEDULE = Schedule(push=time(9, 0, 25), deduct=time(9, 0, 33))
"""A world begins at nine: the hours of a pay-later day lie where its faults are."""


@cache
def _metrics() -> Metrics:
    nothing: Any = None
    return Metrics(nothing)


class PayRoom:
    """What outlives its process: the database, the channel, the weather."""

    def __init__(self, world: "World", numbers: random.Random, trouble: DiskTrouble, weather: Weather) -> None:
        self.world = world
        self.disk = Disk(PAYMENT)
        self.trouble, self.weather = trouble, weather
        returns = numbers.choice((0.0, 0.5))
        self.watch = _WATCH if returns else timedelta(0)
        self.banks = {code: Bank(code, numbers, world.story, returns) for code in CHANNELS}
        self.process: RoomProcess | None = None
        self._numbers = numbers

    def start(self) -> None:
        self.process = RoomProcess(self)
        self.process.start()

    async def bad_luck(self, until: float) -> None:
        """Killed now and then, and back a while later; its clock may be an hour off for a while."""
        numbers = self._numbers
        if numbers.random() < 0.2 and self.process is not None:
            self.world.spawn(self._wrong_clock(numbers.choice((-3600.0, 3600.0))))
        for at in sorted(numbers.uniform(0.0, until) for _ in range(numbers.choice((0, 1, 3)))):
            await self.killed_at(at)

    async def killed_at(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self.world.loop.time()))
        if self.process is not None:
            self.process.crash()
            self.process = None
            self.world.loop.call_later(self._numbers.choice((0.1, 3.0, 12.0)), self.start)

    async def _wrong_clock(self, seconds: float) -> None:
        await asyncio.sleep(self._numbers.uniform(5.0, 30.0))
        process = self.process
        if process is not None:
            process.turn_clock(seconds)
            await asyncio.sleep(self._numbers.choice((1.0, 8.0, 20.0)))
            process.turn_clock(-seconds)

    def stands(self, settlement: str) -> int:
        """分 of an order that moved at a channel and did not come back."""
        return sum(bank.stands(settlement) for bank in self.banks.values())

    def held(self, settlement: str) -> int:
        """分 of a payment that channels took and did not give back."""
        return sum(bank.held(settlement) for bank in self.banks.values())

    def close(self) -> None:
        if self.process is not None:
            self.process.crash()
        self.disk.close()


class RoomProcess(Process):
    def __init__(self, room: PayRoom) -> None:
        super().__init__(room.world, "payroom", 0.0, room.disk, room.trouble)
        ledger, schedule = Ledger(self.store, self.clock), _SCHEDULE
        endings = Endings(ledger, _metrics(), schedule, room.watch)
        pace = Pace(0.5, 20.0, SETTLING_S)
        channels = {code: SimulatedChannel(room, self, code) for code in CHANNELS}
        teller = Teller(ledger, channels, pace, _metrics(), endings, PayLater(ledger, endings, schedule))
        self._collector = Collector(ledger, teller, _metrics(), _POLL_S, 16)
        desk = Desk(ledger, CHANNELS, PAY, schedule)
        self._intake = Intake(desk, SECRET, self.clock, _WINDOW, _metrics(), self._collector.wake)

    def start(self) -> None:
        self.tell("starts")
        self.spawn(self._collector.run())

    async def answer(self, request: Any) -> tuple[int, bytes]:
        """Status and body, as the room's door gives them."""
        try:
            answer: web.Response = await self.call(self._route(request))
        except LianpeiError as wrong:
            self.tell("refuses", code=wrong.error_code)
            return wrong.http_status, json.dumps({"code": wrong.error_code}).encode()
        body = answer.body
        assert isinstance(body, bytes)
        return answer.status, body

    def _route(self, request: Any) -> Coroutine[Any, Any, web.Response]:
        intake = self._intake
        match request.path.split("/")[1:]:
            case ["receipts"]:
                return intake._get_receipts(request)
            case ["orders", _, "void"]:
                return intake._post_void(request)
            case ["orders", _, "account"]:
                return intake._post_account(request)
            case _:
                return intake._post_order(request)


class SimulatedChannel(Channel):
    """The room's way to its channel without mapping and socket."""

    def __init__(self, room: PayRoom, process: RoomProcess, code: str) -> None:
        self.capabilities = CHANNELS[code]
        self._room, self._process, self._bank = room, process, room.banks[code]

    async def push(self, sent: Sent) -> Outcome[ChannelAnswer]:
        """This channel tells patients when it is asked to."""
        return await self._do("push", sent)

    async def _do(self, name: str, sent: Sent) -> Outcome[ChannelAnswer]:
        self._process.require_alive()
        fate, loop = self._room.weather.message(), asyncio.get_running_loop()
        self._process.tell("connection refused" if fate.refused else "sends", name=name, number=sent.number)
        if fate.refused:
            await asyncio.sleep(fate.there)
            return NotSent("not-connected")
        waits: asyncio.Future[ChannelAnswer | None] = loop.create_future()

        def arrive() -> None:
            answer = self._bank.answer(name, sent)
            if fate.back < NEVER:
                loop.call_later(fate.back, give, waits, answer)

        if fate.there < NEVER:
            loop.call_later(fate.there, arrive)
        try:
            async with asyncio.timeout(_ANSWER_S):
                answer = await waits
        except TimeoutError:
            return Unknown("answer-timeout")
        if fate.garbled:
            return Unknown("channel-answer")
        return Refused(NOT_FOUND) if answer is None else Answered(answer)
