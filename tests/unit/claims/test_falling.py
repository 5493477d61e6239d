"""A quick-claim may follow only where nothing happened at the insurer and nothing can any more."""

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.claims.canonical.counter import CounterWish
from gateway.claims.canonical.types import UNSET, ClaimKind, ClaimWay
from gateway.claims.conversation.falling import is_dead, may_fall
from gateway.claims.conversation.states import CLAIM, ClaimEvent, ClaimState

PARTNER: Any = SimpleNamespace(manifest=SimpleNamespace(kinds={"direct_pay": (), "quick_claim": ()}))


def _claim(**facts: Any) -> Any:
    plain = {
        "state": ClaimState.DECIDED,
        "outcome": "paid",
        "reason": "",
        "refused_early": False,
        "kind": ClaimKind.DIRECT_PAY,
        "policy": SimpleNamespace(claim_way=ClaimWay.BOTH),
    }
    made = SimpleNamespace(**(plain | facts))
    made.final = made.state in CLAIM.final
    return made


@pytest.mark.parametrize(
    ("facts", "dead"),
    [
        ({"outcome": "to_quick_claim"}, True),
        ({"outcome": "refused", "refused_early": True}, True),
        ({"outcome": "refused"}, False),
        ({"outcome": "paid"}, False),
        ({"outcome": "zero"}, False),
        ({"state": ClaimState.CLOSED, "outcome": "to_quick_claim", "reason": "over-budget"}, True),
        ({"state": ClaimState.CLOSED, "outcome": "not_sent", "reason": "insurer-unreachable"}, True),
        ({"state": ClaimState.CLOSED, "outcome": "not_sent", "reason": "consent-withdrawn"}, False),
        ({"state": ClaimState.CLOSED, "outcome": "reversed", "reason": "enquiries-used-up"}, True),
        ({"state": ClaimState.UNKNOWN, "outcome": ""}, False),
        ({"state": ClaimState.MANUAL, "outcome": ""}, False),
        ({"state": ClaimState.REVERSING, "outcome": ""}, False),
    ],
)
def test_an_attempt_is_dead_only_when_that_is_proven(facts: dict[str, Any], dead: bool) -> None:
    assert is_dead(_claim(**facts)) is dead


@pytest.mark.parametrize(
    ("wish", "default", "facts", "may"),
    [
        (UNSET, False, {}, False),
        (UNSET, True, {}, True),
        (CounterWish(quick_claim=True), False, {}, True),
        (CounterWish(quick_claim=False), True, {}, False),
        (CounterWish(confirm=True), True, {}, True),
        (CounterWish(quick_claim=True), False, {"policy": SimpleNamespace(claim_way=ClaimWay.DIRECT_PAY)}, False),
        (CounterWish(quick_claim=True), False, {"kind": ClaimKind.QUICK_CLAIM}, False),
    ],
)
def test_hospital_policy_and_settings_must_allow_it(wish: Any, default: bool, facts: dict[str, Any], may: bool) -> None:
    bill: Any = SimpleNamespace(is_claim=True, submission=SimpleNamespace(counter=wish))

    assert may_fall(bill, _claim(**facts), PARTNER, default) is may


def test_an_insurer_that_offers_no_quick_claim_is_given_none() -> None:
    bill: Any = SimpleNamespace(is_claim=True, submission=SimpleNamespace(counter=CounterWish(quick_claim=True)))
    only_direct: Any = SimpleNamespace(manifest=SimpleNamespace(kinds={"direct_pay": ()}))

    assert not may_fall(bill, _claim(), only_direct, True)


def test_no_state_that_waits_for_a_person_or_for_a_reversal_falls() -> None:
    falls = {state for state, event in CLAIM.table if event is ClaimEvent.FALL}

    assert falls == {
        ClaimState.CREATED,
        ClaimState.SENT,
        ClaimState.ACCEPTED,
        ClaimState.QUOTED,
        ClaimState.UNKNOWN,
    }
