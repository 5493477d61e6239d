"""Takes one order a step further: send, enquire when unknown, send again only what never arrived, write the receipt."""

from collections.abc import Mapping

from gateway.kernel.outcome import Answered, NotSent, Outcome, Refused
from gateway.payment.channel import NOT_FOUND, Channel, Sent
from gateway.payment.endings import Endings
from gateway.payment.gate import PAID_ANOTHER_WAY, WAIT, Locks, debt, stopped
from gateway.payment.ledger import Ledger, Standing, Tried
from gateway.payment.metrics import Metrics
from gateway.payment.model import ChannelAnswer, ChannelState, OrderKind, Result
from gateway.payment.pace import Pace
from gateway.payment.paylater import PayLater
from gateway.payment.schedule import day_of
from gateway.payment.settling import Settling
from gateway.payment.states import State
from gateway.store.unit import Unit

ENQUIRY = "enquiry"
UNKNOWN_OUTCOME = "unknown"
_LATER = frozenset({State.SCHEDULED, State.PUSHED, State.WARNED})


class Teller:
    """``step`` raises only for the store; then the rows are as they were and the order stays due."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        pace: Pace,
        metrics: Metrics,
        endings: Endings,
        paylater: PayLater,
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._pace = pace
        self._metrics = metrics
        self._endings = endings
        self._paylater = paylater
        self._settling = Settling(ledger.clock, pace.settling_time)
        self._debts, self._payers = Locks(), Locks()

    async def step(self, standing: Standing) -> None:
        """One exchange for one order."""
        if standing.state in _LATER:
            if await self._paylater.step(standing, self._channel(standing)):
                await self._place(standing)
        elif standing.state is State.ACCEPTED:
            await self._place(standing)
        else:
            await self._enquire(standing)

    def misdated(self, limit: int) -> list[str]:
        """Orders put further off than any wait of ours: the clock that did it was wrong."""
        return self._ledger.misdated(2 * self._pace.longest, limit)

    def _channel(self, standing: Standing) -> Channel:
        return self._channels[standing.order.channel or ""]

    def _sent(self, standing: Standing, act: Tried) -> Sent:
        original = self._ledger.standing(standing.order.original) if standing.order.original else None
        return Sent(standing.order, act.act_id, standing.number, original.number if original else "")

    async def _place(self, standing: Standing) -> None:
        """The gate and the intent are one step per payer and per debt: two taps can't both pass a limit unseen."""
        channel, order = self._channel(standing), standing.order
        async with self._payers.of(order.payer_token or order.settlement_id), self._debts.of(debt(order)):
            code = stopped(self._ledger, channel.capabilities, standing)
            if code:
                await self._stop(standing, code)
                return
            unit, name = Unit(), _act_name(standing)
            act = self._ledger.trying(unit, order.settlement_id, name, self._ledger.tried(order.settlement_id, name))
            now = self._ledger.now()
            standing = self._ledger.move(
                unit, standing, State.SENDING, now, "sent", sent_day=day_of(self._ledger.clock.now())
            )
            await self._ledger.store.commit(unit)
        outcome = await channel.place(self._sent(standing, act))
        async with self._debts.of(debt(order)):
            unit = Unit()
            self._told(unit, standing, act, outcome)
            await self._ledger.store.commit(unit)

    async def _stop(self, standing: Standing, code: str) -> None:
        unit = Unit()
        if code == WAIT:
            later = self._ledger.now() + self._pace.wait(1)
            self._ledger.move(unit, standing, standing.state, later, code)
        elif code == PAID_ANOTHER_WAY:
            self._endings.end(unit, standing, Result.CLOSED, 0, code)
        else:
            self._metrics.limited(code)
            self._endings.end(unit, standing, Result.REFUSED, 0, code)
        await self._ledger.store.commit(unit)

    def _told(self, unit: Unit, standing: Standing, act: Tried, outcome: Outcome[ChannelAnswer]) -> None:
        ledger = self._ledger
        match outcome:
            case Answered(value=answer):
                self._answered(unit, standing, act, answer)
            case NotSent(reason=reason):
                ledger.ended(unit, act, "not-sent")
                ledger.move(unit, standing, State.ACCEPTED, ledger.now() + self._pace.wait(act.attempts), reason)
            case Refused(code=code):
                ledger.ended(unit, act, "refused")
                self._endings.failed(unit, standing, code)
            case _:
                self._settling.sent(standing.settlement_id)
                ledger.ended(unit, act, UNKNOWN_OUTCOME)
                ledger.move(unit, standing, State.UNKNOWN, ledger.now() + self._pace.wait(1), "outcome-unknown")

    async def _enquire(self, standing: Standing) -> None:
        ledger, number = self._ledger, standing.settlement_id
        unit = Unit()
        if standing.state is State.SENDING:
            standing = ledger.move(unit, standing, State.UNKNOWN, ledger.now(), "found-after-restart")
        act = ledger.trying(unit, number, ENQUIRY, ledger.tried(number, ENQUIRY))
        await ledger.store.commit(unit)
        outcome = await self._channel(standing).enquire(self._sent(standing, act))
        async with self._debts.of(debt(standing.order)):
            unit = Unit()
            self._heard(unit, standing, act, outcome)
            await ledger.store.commit(unit)

    def _heard(self, unit: Unit, standing: Standing, act: Tried, outcome: Outcome[ChannelAnswer]) -> None:
        ledger = self._ledger
        if isinstance(outcome, Answered):
            self._answered(unit, standing, act, outcome.value)
            return
        later = ledger.now() + self._pace.wait(act.attempts)
        if outcome == Refused(NOT_FOUND) and standing.state is not State.CREDITED:
            ledger.ended(unit, act, NOT_FOUND)
            self._not_found(unit, standing, later)
            return
        ledger.ended(unit, act, UNKNOWN_OUTCOME)
        ledger.move(unit, standing, standing.state, later, "enquiry-unanswered")

    def _not_found(self, unit: Unit, standing: Standing, later: int) -> None:
        """Believed only once the settling time after the last send is over; then the same number goes out again."""
        ledger = self._ledger
        left = self._settling.left_ms(standing.settlement_id)
        if left:
            ledger.move(unit, standing, standing.state, max(later, ledger.now() + left), "not-found-yet")
        else:
            self._settling.forget(standing.settlement_id)
            ledger.move(unit, standing, State.ACCEPTED, ledger.now(), "never-arrived")

    def _answered(self, unit: Unit, standing: Standing, act: Tried, answer: ChannelAnswer) -> None:
        ledger, endings = self._ledger, self._endings
        ledger.ended(unit, act, answer.state.value)
        if standing.state is State.CREDITED:
            self._watched(unit, standing, answer)
        elif answer.state is ChannelState.PROCESSING:
            later = ledger.now() + self._pace.wait(act.attempts)
            ledger.move(unit, standing, State.PENDING, later, "channel-processing")
        elif answer.state in (ChannelState.ACCOUNT, ChannelState.RETURNED) and standing.order.kind is OrderKind.PAYOUT:
            endings.end(unit, standing, Result.ACCOUNT, 0, "account-wrong")
        elif answer.state is not ChannelState.PAID:
            endings.failed(unit, standing, "channel-failed")
        elif answer.amount == standing.order.amount:
            endings.paid(unit, standing)
        else:
            told = answer.amount if isinstance(answer.amount, int) else 0
            endings.end(unit, standing, Result.DISPUTED, told, "channel-amount-differs")

    def _watched(self, unit: Unit, standing: Standing, answer: ChannelAnswer) -> None:
        """A paid payout is asked about for some days: a bank may send the money back."""
        ledger = self._ledger
        if answer.state is ChannelState.RETURNED:
            self._endings.end(unit, standing, Result.RETURNED, standing.order.amount, "payout-returned")
        elif ledger.now() >= standing.until:
            ledger.move(unit, standing, State.PAID, 0, "watch-over")
        else:
            later = ledger.now() + self._endings.watch_every
            ledger.move(unit, standing, standing.state, min(later, standing.until), "watched")


def _act_name(standing: Standing) -> str:
    """Each attempt under one settlement id is an act of its own."""
    base = "refund" if standing.order.kind is OrderKind.REFUND else "order"
    return base if standing.attempt == 1 else f"{base}-{standing.attempt}"
