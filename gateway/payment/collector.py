"""Takes each order to its end: send, enquire when unknown, send again only what never arrived, write the receipt."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from gateway.kernel.errors import LianpeiError
from gateway.kernel.outcome import Answered, NotSent, Outcome, Refused
from gateway.payment.channel import NOT_FOUND, Channel
from gateway.payment.ledger import NEVER, Ledger, Standing, State, Tried
from gateway.payment.metrics import Metrics
from gateway.payment.model import ChannelAnswer, ChannelState, Result
from gateway.store.unit import Unit
from gateway.telemetry.logs import get_logger

ORDER, ENQUIRY = "order", "enquiry"
UNKNOWN_OUTCOME = "unknown"

_log = get_logger("lianpei.payment")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds."""

    first_retry: float
    longest_retry: float
    settling_time: float

    def wait(self, attempts: int) -> int:
        """Milliseconds before the next attempt: doubling, with full jitter over the upper half."""
        most = min(self.longest_retry, self.first_retry * 2 ** min(attempts - 1, 20))
        return int(1000 * most * random.uniform(0.5, 1))


class Collector:
    """One instance per database. ``run`` ends by cancellation and leaves nothing that the next start can't finish."""

    def __init__(self, ledger: Ledger, channel: Channel, pace: Pace, metrics: Metrics, poll: float, most: int) -> None:
        self._ledger = ledger
        self._channel = channel
        self._pace = pace
        self._metrics = metrics
        self._poll = poll
        self._most = most
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look for due orders now."""
        self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                self._start_due()
                await self._rest()
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _start_due(self) -> None:
        free = self._most - len(self._busy)
        if free <= 0:
            return
        for settlement_id in self._ledger.due(self._most + free):
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
            if standing.state is State.ACCEPTED:
                await self._place(standing)
            else:
                await self._enquire(standing)
        except Exception as wrong:
            self._metrics.trouble(wrong.error_code if isinstance(wrong, LianpeiError) else "internal")
            _log.failure("order-step-failed", wrong)
            await asyncio.sleep(self._pace.first_retry)

    async def _place(self, standing: Standing) -> None:
        ledger, unit = self._ledger, Unit()
        act = ledger.trying(
            unit, standing.order.settlement_id, ORDER, ledger.tried(standing.order.settlement_id, ORDER)
        )
        standing = ledger.move(unit, standing, State.SENDING, ledger.now(), "sent")
        await ledger.store.commit(unit)
        outcome = await self._channel.place(standing.order, act.act_id)
        unit = Unit()
        match outcome:
            case Answered(value=answer):
                self._answered(unit, standing, act, answer)
            case NotSent(reason=reason):
                ledger.ended(unit, act, "not-sent")
                ledger.move(unit, standing, State.ACCEPTED, ledger.now() + self._pace.wait(act.attempts), reason)
            case Refused(code=code):
                ledger.ended(unit, act, "refused")
                self._end(unit, standing, Result.FAILED, 0, code)
            case _:
                ledger.ended(unit, act, UNKNOWN_OUTCOME)
                ledger.move(unit, standing, State.UNKNOWN, ledger.now() + self._pace.wait(1), "outcome-unknown")
        await ledger.store.commit(unit)

    async def _enquire(self, standing: Standing) -> None:
        ledger, number = self._ledger, standing.order.settlement_id
        unit = Unit()
        if standing.state is State.SENDING:
            standing = ledger.move(unit, standing, State.UNKNOWN, ledger.now(), "found-after-restart")
        act = ledger.trying(unit, number, ENQUIRY, ledger.tried(number, ENQUIRY))
        await ledger.store.commit(unit)
        outcome = await self._channel.enquire(standing.order)
        unit = Unit()
        self._heard(unit, standing, act, outcome)
        await ledger.store.commit(unit)

    def _heard(self, unit: Unit, standing: Standing, act: Tried, outcome: Outcome[ChannelAnswer]) -> None:
        ledger = self._ledger
        if isinstance(outcome, Answered):
            self._answered(unit, standing, act, outcome.value)
            return
        later = ledger.now() + self._pace.wait(act.attempts)
        if outcome == Refused(NOT_FOUND):
            ledger.ended(unit, act, NOT_FOUND)
            self._not_found(unit, standing, later)
            return
        ledger.ended(unit, act, UNKNOWN_OUTCOME)
        ledger.move(unit, standing, standing.state, later, "enquiry-unanswered")

    def _not_found(self, unit: Unit, standing: Standing, later: int) -> None:
        """Believed only once the settling time after the last send is over; then the same number goes out again."""
        ledger = self._ledger
        sent = ledger.tried(standing.order.settlement_id, ORDER)
        settled_at = (sent.sent_at if sent else 0) + int(1000 * self._pace.settling_time)
        if ledger.now() < settled_at:
            ledger.move(unit, standing, standing.state, max(later, settled_at), "not-found-yet")
        else:
            ledger.move(unit, standing, State.ACCEPTED, ledger.now(), "never-arrived")

    def _answered(self, unit: Unit, standing: Standing, act: Tried, answer: ChannelAnswer) -> None:
        self._ledger.ended(unit, act, answer.state.value)
        if answer.state is ChannelState.PROCESSING:
            later = self._ledger.now() + self._pace.wait(act.attempts)
            self._ledger.move(unit, standing, State.PENDING, later, "channel-processing")
        elif answer.state is ChannelState.FAILED:
            self._end(unit, standing, Result.FAILED, 0, "channel-failed")
        elif answer.amount == standing.order.amount:
            self._end(unit, standing, Result.PAID, standing.order.amount, "channel-paid")
        else:
            told = answer.amount if isinstance(answer.amount, int) else 0
            self._end(unit, standing, Result.DISPUTED, told, "channel-amount-differs")

    def _end(self, unit: Unit, standing: Standing, result: Result, amount: int, cause: str) -> None:
        self._ledger.move(unit, standing, State(result.value), NEVER, cause)
        self._ledger.receipt(unit, standing.order.settlement_id, result, amount)
        self._metrics.ended(standing.order.kind.value, result.value)
