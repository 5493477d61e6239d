"""How a patient of a world with a payment room pays: channels in their order, deposits before, later, or another channel after all."""

import random
from dataclasses import dataclass
from typing import Any

from gateway.payment.capabilities import Capabilities, Limits, Names
from gateway.payment.model import LegKind, OrderKind

PAY, APP = "pay", "app"
_NAMES = Names(zh="模拟", en="Simulated")
_LEGS = frozenset((LegKind.SELF_PAY, LegKind.DEPOSIT, LegKind.CREDIT))
CHANNELS = {
    PAY: Capabilities(channel=PAY, names=_NAMES, kinds=frozenset(OrderKind), legs=_LEGS),
    APP: Capabilities(
        channel=APP,
        names=_NAMES,
        kinds=frozenset(OrderKind) - {OrderKind.PAYOUT},
        legs=_LEGS,
        limits=Limits(per_act=200_00, per_day=250_00),
        payer_token=True,
    ),
}
"""An app that debits an account, with limits for it; and a channel without any."""


@dataclass
class Purse:
    channels: tuple[str, ...]
    later: bool
    """Pays after treatment, by the pay-later schedule."""
    deposits: tuple[int, ...]
    """分, taken before the bill comes."""
    taps: bool
    """Turns to the other channel when the first one takes its time."""
    changes_mind: bool
    """Asks a deposit back, whether or not the bill came meanwhile."""

    def parts(self, deposits: list[str]) -> dict[str, Any]:
        """What the bill says about it."""
        wish = {"channels": self.channels, "payer_token": "payer-1", "score_passed": True, "deposits": deposits}
        return {"payment": wish, "order_kind": "POST_POST" if self.later else "PRE_POST" if deposits else "PRE_PRE"}


def purse_of(numbers: random.Random) -> Purse | None:
    """None: whoever pays at the counter with what the room usually takes."""
    if numbers.random() < 0.5:
        return None
    kind = numbers.choice(("app", "app", "app", "deposit", "deposit", "later"))
    amounts = numbers.choice(((100_00,), (20_00, 80_00), (500_00,), (100_00, 100_00))) if kind == "deposit" else ()
    order = numbers.choice(((APP, PAY), (APP, PAY), (PAY, APP), (APP,)))
    return Purse(order, kind == "later", amounts, numbers.random() < 0.3, bool(amounts) and numbers.random() < 0.3)
