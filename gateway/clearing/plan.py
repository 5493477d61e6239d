"""Which channel collects what: the payment ladder, which prefers one app for every share of a bill.

a+a+a > a+a+b > a+a+offline > all offline (source: the payment deck's ladder). Pure: no rows, no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from gateway.payment.capabilities import Capabilities
from gateway.payment.model import LegKind, OrderKind, Timing

OFFLINE = ""
"""The hospital settles this share over its counter."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the hospital said about paying (``pay_wish``). Limits in 分, 0 is none."""

    channels: tuple[str, ...] = ()
    place: str = "counter"
    payer_token: str = ""
    deposits: tuple[str, ...] = ()
    real_name: bool = False
    local_insured: bool = False
    score_passed: bool = False
    per_act: int = 0
    per_day: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be collected: the amount in 分 and the shares of the bill."""

    kind: OrderKind
    timing: Timing
    amount: int
    own: LegKind
    shares: tuple[LegKind, ...]


def forbidden(channel: Capabilities, asked: Asked, wish: Wish) -> str:
    """Why this channel can't collect, as a stable code; empty when it can."""
    if asked.kind not in channel.kinds:
        return "channel-kind"
    if asked.timing not in channel.timings:
        return "channel-timing"
    if channel.payer_token and not wish.payer_token:
        return "payer-token-missing"
    if channel.over_act(asked.kind, asked.amount, wish.per_act):
        return "limit-per-act"
    return channel.for_patient(wish.place, real_name=wish.real_name, local=wish.local_insured)


def pick(channels: Sequence[Capabilities], asked: Asked, wish: Wish, tried: frozenset[str]) -> tuple[str, str]:
    """(channel that collects, ``""`` for the counter; why the last one that was looked at can't, ``""`` if none)."""
    able: list[Capabilities] = []
    why = ""
    for channel in channels:
        code = "" if channel.channel in tried else forbidden(channel, asked, wish)
        why = code or why
        if not code and channel.channel not in tried:
            able.append(channel)
    plan = ladder(asked.shares, able)
    return plan.get(asked.own, OFFLINE), why


def ladder(shares: Sequence[LegKind], channels: Sequence[Capabilities]) -> Mapping[LegKind, str]:
    """The best assignment of shares to channels, of those listed the earlier ones first."""
    offers = [[one.channel for one in channels if share in one.legs] + [OFFLINE] for share in shares]
    place = {one.channel: number for number, one in enumerate(channels)} | {OFFLINE: len(channels)}

    def cost(plan: tuple[str, ...]) -> tuple[int, int, list[int]]:
        apps, offline = len(set(plan) - {OFFLINE}), plan.count(OFFLINE)
        # Nothing in an app is the last rung; each further app and each share at the counter is one more stop.
        stops = apps + offline if apps else len(shares) + 2
        return stops, offline, [place[channel] for channel in plan]

    plans: list[tuple[str, ...]] = list(product(*offers))
    best = min(plans, key=cost)
    return dict(zip(shares, best, strict=True))
