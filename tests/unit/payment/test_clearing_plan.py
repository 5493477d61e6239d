"""The payment ladder: one app for every share, before two, before the counter."""

import pytest

from gateway.clearing.plan import OFFLINE, Asked, Wish, ladder, pick
from gateway.payment.capabilities import Capabilities, Limits, Names
from gateway.payment.model import LegKind, OrderKind, Timing

YIBAO, SHANGBAO, SELF = LegKind.FUND, LegKind.COMMERCIAL, LegKind.SELF_PAY
SHARES = (YIBAO, SHANGBAO, SELF)


def channel(code: str, *legs: LegKind, **more: object) -> Capabilities:
    return Capabilities(
        channel=code, names=Names(zh=code, en=code), kinds=frozenset(OrderKind), legs=frozenset(legs), **more
    )


ALL = channel("all", *SHARES)
TWO = channel("two", YIBAO, SELF)
ONE = channel("one", SHANGBAO)
OWN_ONLY = channel("own", SELF)


@pytest.mark.parametrize(
    ("channels", "plan"),
    [
        ([TWO, ONE, ALL], ("all", "all", "all")),
        ([TWO, ONE], ("two", "one", "two")),
        ([TWO], ("two", OFFLINE, "two")),
        ([OWN_ONLY], (OFFLINE, OFFLINE, "own")),
        ([], (OFFLINE, OFFLINE, OFFLINE)),
        ([OWN_ONLY, TWO], ("two", OFFLINE, "two")),
        ([ALL, channel("other", *SHARES)], ("all", "all", "all")),
        ([channel("other", *SHARES), ALL], ("other", "other", "other")),
    ],
)
def test_the_ladder_prefers_one_app_for_all_shares(channels: list[Capabilities], plan: tuple[str, ...]) -> None:
    assert tuple(ladder(SHARES, channels).values()) == plan


def asked(amount: int = 100) -> Asked:
    return Asked(OrderKind.SELF_PAY, Timing.PRE_PRE, amount, SELF, SHARES)


def test_the_earlier_channel_wins_among_equals_and_a_tried_one_is_left_out() -> None:
    both = [ALL, channel("other", *SHARES)]

    assert pick(both, asked(), Wish(), frozenset()) == ("all", "")
    assert pick(both, asked(), Wish(), frozenset({"all"})) == ("other", "")
    assert pick(both, asked(), Wish(), frozenset({"all", "other"})) == (OFFLINE, "")


def test_a_forbidden_channel_is_passed_over_and_says_why() -> None:
    small = channel("small", *SHARES, limits=Limits(per_act=99))

    assert pick([small, TWO], asked(), Wish(), frozenset()) == ("two", "limit-per-act")
    assert pick([small], asked(99), Wish(per_act=50), frozenset()) == (OFFLINE, "limit-per-act")
    assert pick([small], asked(50), Wish(per_act=50), frozenset()) == ("small", "")
