"""A simulated payment channel: keeps the truth about what it moved, pays late, fails, and knows repeats or does not."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.payment.model import ChannelAnswer, ChannelState, OrderKind
from simulation.story import Story

if TYPE_CHECKING:
    from gateway.payment.channel import Sent


@dataclass
class Moved:
    """One number as the channel has it."""

    number: str
    amount: int
    back_of: str
    """The number that it gives back; empty for a payment."""
    state: ChannelState = ChannelState.PROCESSING
    times: int = 0
    """How often its amount moved."""

    def told(self) -> ChannelAnswer:
        return ChannelAnswer(state=self.state, amount=self.amount, number=self.number)


class Bank:
    def __init__(self, numbers: random.Random, story: Story) -> None:
        self.book: dict[str, Moved] = {}
        self.knows_repeats = numbers.random() < 0.5
        self.on_move: Callable[[Moved], None] = lambda _: None
        self._numbers = numbers
        self._story = story

    def place(self, sent: "Sent") -> ChannelAnswer:
        """A payment or a refund has arrived. Who knows repeats gives a used number's first result."""
        known = self.book.get(sent.number)
        self._story.tell("bank", "repeat" if known else "arrived", number=sent.number, of=sent.order.kind.value)
        if known is not None and self.knows_repeats:
            return known.told()
        back_of = sent.original if sent.order.kind is OrderKind.REFUND else ""
        moved = known or Moved(sent.number, sent.order.amount, back_of)
        self.book[sent.number] = moved
        if self._numbers.random() < 0.3:
            asyncio.get_running_loop().call_later(self._numbers.choice((0.5, 5.0, 40.0)), self._end, moved)
        else:
            self._end(moved)
        return moved.told()

    def enquire(self, sent: "Sent") -> ChannelAnswer | None:
        known = self.book.get(sent.number)
        return None if known is None else known.told()

    def _end(self, moved: Moved) -> None:
        if self._numbers.random() < 0.1 or (moved.back_of and self.held(moved.back_of) < moved.amount):
            if not moved.times:
                moved.state = ChannelState.FAILED
            return
        moved.state = ChannelState.PAID
        moved.times += 1
        self._story.tell("bank", "gave back" if moved.back_of else "collected", amount=moved.amount)
        self.on_move(moved)

    def held(self, number: str) -> int:
        """分 of a payment that were not given back."""
        paid = self.book.get(number)
        backs = sum(one.amount * one.times for one in self.book.values() if one.back_of == number)
        return (paid.amount * paid.times if paid is not None else 0) - backs
