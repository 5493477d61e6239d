"""The claim's states move only as the table says."""

import itertools

import pytest

from gateway.claims.conversation.states import FINAL, TRANSITIONS, ClaimEvent, ClaimState, move
from gateway.kernel.errors import Conflict


@pytest.mark.parametrize(("state", "event"), list(itertools.product(ClaimState, ClaimEvent)))
def test_a_transition_that_is_not_listed_cannot_be_made(state: ClaimState, event: ClaimEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert move(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(Conflict) as refused:
            move(state, event)
        assert refused.value.error_code == "illegal-transition"


def test_a_final_state_is_never_left() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] in FINAL]


def test_every_state_can_be_reached_from_created() -> None:
    reached, before = {ClaimState.CREATED}, set[ClaimState]()
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _), after in TRANSITIONS.items() if state in reached}
    assert reached == set(ClaimState)


def test_a_lost_answer_never_leads_to_a_decision_without_an_event_of_its_own() -> None:
    """Unknown is a state, not an error: it ends by an answer, by a person, or by going on asking."""
    after = {event: state for (before, event), state in TRANSITIONS.items() if before is ClaimState.UNKNOWN}

    assert after == {
        ClaimEvent.SEND: ClaimState.SENT,
        ClaimEvent.PEND: ClaimState.ACCEPTED,
        ClaimEvent.LOSE: ClaimState.UNKNOWN,
        ClaimEvent.DECIDE: ClaimState.DECIDED,
        ClaimEvent.PARK: ClaimState.MANUAL,
    }
