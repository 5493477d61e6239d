"""A simulated payment channel: keeps the truth about what it moved, pays late, fails, sends back, and knows repeats or does not."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.payment.model import COLLECTING, ChannelAnswer, ChannelState, OrderKind
from gateway.payment.schedule import day_of
from simulation.clockwork import START
from simulation.story import Story

if TYPE_CHECKING:
    from gateway.payment.channel import Sent

_AN_HOUR_S = 3600.0
_MOST_RETURNS = 2
"""So often an order's money comes back at most."""


@dataclass
class Moved:
    """One number as the channel has it."""

    number: str
    settlement: str
    """The order's id: another attempt has another number."""
    kind: OrderKind
    amount: int
    back_of: str
    """The number that it gives back; empty for a payment."""
    payer: str
    day: str
    """On which it arrived, as 20250306."""
    state: ChannelState = ChannelState.PROCESSING
    times: int = 0
    """How often its amount moved."""

    @property
    def stands(self) -> int:
        """分 that moved and did not come back."""
        return 0 if self.state is ChannelState.RETURNED else self.amount * self.times

    def told(self) -> ChannelAnswer:
        return ChannelAnswer(state=self.state, amount=self.amount, number=self.number)


class Bank:
    def __init__(self, code: str, numbers: random.Random, story: Story, returns: float) -> None:
        """``returns``: how often a payout comes back after it was paid."""
        self.code = code
        self.book: dict[str, Moved] = {}
        self.knows_repeats = numbers.random() < 0.5
        self.on_move: Callable[[Moved], None] = lambda _: None
        self._numbers = numbers
        self._story = story
        self._returns = returns

    def answer(self, name: str, sent: "Sent") -> ChannelAnswer | None:
        """What is said to one message; None: it knows nothing of the number."""
        if name == "push":
            return ChannelAnswer(state=ChannelState.PROCESSING)
        if name.endswith("enquiry"):
            known = self.book.get(sent.number)
            return None if known is None else known.told()
        return self._place(sent)

    def _place(self, sent: "Sent") -> ChannelAnswer:
        """A payment or a refund has arrived. Who knows repeats gives a used number's first result."""
        known, order = self.book.get(sent.number), sent.order
        self._story.tell(self.code, "repeat" if known else "arrived", number=sent.number, of=order.kind.value)
        if known is not None and self.knows_repeats:
            return known.told()
        back_of = sent.original if order.kind is OrderKind.REFUND else ""
        today = day_of(START + timedelta(seconds=asyncio.get_running_loop().time()))
        payer = order.payer_token or ""
        moved = known or Moved(sent.number, order.settlement_id, order.kind, order.amount, back_of, payer, today)
        self.book[sent.number] = moved
        if self._numbers.random() < 0.3:
            asyncio.get_running_loop().call_later(self._numbers.choice((0.5, 5.0, 40.0)), self._end, moved)
        else:
            self._end(moved)
        return moved.told()

    def _end(self, moved: Moved) -> None:
        back_of = self.book.get(moved.back_of)
        lacks = bool(moved.back_of) and (back_of is None or self.held(back_of.settlement) < moved.amount)
        if self._numbers.random() < (0.6 if moved.kind is OrderKind.CREDIT else 0.1) or lacks:
            if not moved.times:
                moved.state = self._no(moved)
            return
        moved.state = ChannelState.PAID
        moved.times += 1
        self._story.tell(self.code, "gave back" if moved.back_of else "moved", amount=moved.amount, of=moved.kind.value)
        self.on_move(moved)
        if moved.kind is OrderKind.PAYOUT and self._numbers.random() < self._returns:
            delay = self._numbers.choice((1.0, 20.0, 15 * _AN_HOUR_S, 50 * _AN_HOUR_S))
            asyncio.get_running_loop().call_later(delay, self._send_back, moved)

    def _no(self, moved: Moved) -> ChannelState:
        """No money moved: for a payout now and then because of its account."""
        if moved.kind is OrderKind.PAYOUT and self._returns and self._numbers.random() < 0.5:
            return ChannelState.ACCOUNT
        return ChannelState.FAILED

    def _send_back(self, moved: Moved) -> None:
        """The payee's bank does not know the account."""
        if sum(one.state is ChannelState.RETURNED for one in self.attempts(moved.settlement)) < _MOST_RETURNS:
            moved.state = ChannelState.RETURNED
            self._story.tell(self.code, "it came back", number=moved.number, amount=moved.amount)

    def attempts(self, settlement: str) -> list[Moved]:
        """What the channel has of one order: a number for each attempt."""
        return [one for one in self.book.values() if one.settlement == settlement]

    def stands(self, settlement: str) -> int:
        """分 of an order that moved and did not come back."""
        return sum(one.stands for one in self.attempts(settlement))

    def held(self, settlement: str) -> int:
        """分 of a payment that were not given back."""
        numbers = {one.number for one in self.attempts(settlement)}
        return self.stands(settlement) - sum(one.stands for one in self.book.values() if one.back_of in numbers)

    def debited(self, payer: str, day: str) -> int:
        """分 that this payer was debited on a day."""
        mine = [one for one in self.book.values() if one.payer == payer and one.day == day and one.kind in COLLECTING]
        return sum(one.amount * one.times for one in mine)
