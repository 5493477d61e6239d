"""What a hospital is advised to offer: live figures that fade, and the folder's word where nothing was seen."""

from typing import Any, cast

import pytest

from gateway.claims.conversation.offers import Offers, Word, word_of
from gateway.claims.partners.manifest import Manifest, Names
from gateway.claims.partners.partner import Partner, lane_of
from gateway.kernel.clock import SystemClock


class Clock:
    at = 0.0

    def monotonic(self) -> float:
        return self.at


class Folder:
    def __init__(self, *kinds: str) -> None:
        self.code = "one"
        self.manifest = Manifest(
            insurer="one",
            names=Names(zh="一", en="One"),
            protocol="json",
            seal={},
            kinds=dict.fromkeys(kinds, ("act",)),
        )
        self.lane = lane_of(self.manifest, SystemClock())


def _advice(offers: Offers, *kinds: str) -> dict[str, Any]:
    return offers.offer(cast("Partner", Folder(*kinds)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def offers(clock: Clock) -> Offers:
    return Offers(cast("Any", clock))


@pytest.mark.parametrize(
    ("kinds", "advice"), [(("direct_pay", "quick_claim"), "direct_pay"), (("quick_claim",), "quick_claim")]
)
def test_after_a_restart_the_folder_decides(offers: Offers, kinds: tuple[str, ...], advice: str) -> None:
    offer = _advice(offers, *kinds)

    assert (offer["advice"], offer["seconds"]) == (advice, None)
    assert offer["message"].keys() == {"zh", "en"}


def test_an_insurer_that_can_not_be_reached_is_down_until_the_figures_fade(offers: Offers, clock: Clock) -> None:
    for _ in range(3):
        offers.saw("one", Word.LOST, 0.0)
    at_once = _advice(offers, "direct_pay", "quick_claim")["advice"]
    clock.at += 1800

    assert at_once == "down"
    assert _advice(offers, "direct_pay", "quick_claim")["advice"] == "direct_pay"


def test_an_insurer_that_sends_patients_away_is_offered_for_quick_claim(offers: Offers) -> None:
    for word in (Word.SENT_AWAY, Word.SENT_AWAY, Word.SENT_AWAY, Word.SETTLED):
        offers.saw("one", word, 3.0)

    assert _advice(offers, "direct_pay", "quick_claim")["advice"] == "quick_claim"
    assert _advice(offers, "direct_pay")["advice"] == "direct_pay"


def test_one_bad_act_says_nothing(offers: Offers) -> None:
    offers.saw("one", Word.LOST, 0.0)

    assert _advice(offers, "direct_pay", "quick_claim")["advice"] == "direct_pay"


def test_how_long_decisions_took_is_told(offers: Offers) -> None:
    offers.saw("one", Word.SETTLED, 2.0)
    offers.saw("one", Word.SETTLED, 4.0)

    assert _advice(offers, "direct_pay")["seconds"] == 3.0


@pytest.mark.parametrize(
    ("outcome", "reason", "word"),
    [
        ("paid", "", Word.SETTLED),
        ("refused", "policy-expired", Word.SETTLED),
        ("to_quick_claim", "over-budget", Word.SENT_AWAY),
        ("not_sent", "insurer-unreachable", Word.LOST),
        ("not_sent", "consent-expired", None),
    ],
)
def test_what_a_claims_end_says_of_its_insurer(outcome: str, reason: str, word: Word | None) -> None:
    assert word_of(outcome, reason) is word
