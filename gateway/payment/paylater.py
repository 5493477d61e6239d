"""A pay-later order between its deductions: the push, the last warning, and the default record."""

from gateway.payment.channel import Channel, Sent
from gateway.payment.endings import Endings
from gateway.payment.gate import PAID_FIRST
from gateway.payment.ledger import Ledger, Standing, Tried
from gateway.payment.model import Notice, Result
from gateway.payment.schedule import Schedule, millis
from gateway.payment.states import State
from gateway.store.unit import Unit


class PayLater:
    def __init__(self, ledger: Ledger, endings: Endings, schedule: Schedule) -> None:
        self._ledger = ledger
        self._endings = endings
        self._schedule = schedule

    async def step(self, standing: Standing, channel: Channel) -> bool:
        """What is due now. True when it is the deduction, which is an order like any other."""
        if any(one.state in PAID_FIRST for one in self._ledger.beside(standing.order)):
            await self._close(standing)
            return False
        if standing.state is State.SCHEDULED:
            await self._tell(standing, channel)
            return False
        if standing.attempt <= self._schedule.days:
            return True
        await self._default(standing)
        return False

    async def _close(self, standing: Standing) -> None:
        unit = Unit()
        self._endings.end(unit, standing, Result.CLOSED, 0, "paid-another-way")
        await self._ledger.store.commit(unit)

    async def _tell(self, standing: Standing, channel: Channel) -> None:
        """A push that does not get through stops no deduction: the patient agreed to it when signing."""
        ledger, last = self._ledger, self._schedule.is_last(standing.attempt)
        act = await self._tried(standing, f"push-{standing.attempt}")
        outcome = await channel.push(
            Sent(standing.order, act.act_id, standing.number, notice=Notice.LAST if last else Notice.DUE)
        )
        now, unit = ledger.clock.now(), Unit()
        ledger.ended(unit, act, type(outcome).__name__.lower())
        deduct = millis(self._schedule.deduction(now))
        if last:
            until = millis(self._schedule.deadline(now))
            ledger.move(unit, standing, State.WARNED, deduct, "told-last", until=until)
            ledger.receipt(unit, standing.settlement_id, Result.WARNED, 0, "told-last")
        else:
            ledger.move(unit, standing, State.PUSHED, deduct, "told")
        await ledger.store.commit(unit)

    async def _tried(self, standing: Standing, name: str) -> Tried:
        unit = Unit()
        act = self._ledger.trying(unit, standing.settlement_id, name, self._ledger.tried(standing.settlement_id, name))
        await self._ledger.store.commit(unit)
        return act

    async def _default(self, standing: Standing) -> None:
        unit = Unit()
        self._endings.end(unit, standing, Result.DEFAULTED, 0, "deadline-passed")
        self._ledger.defaulted(unit, standing.order)
        await self._ledger.store.commit(unit)
