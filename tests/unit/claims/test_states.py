"""States move only as their tables say, every change leaves a row, and the page is what the tables say."""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.claims.conversation.states import CLAIM, ClaimEvent, ClaimState
from gateway.cli.statedoc import MACHINES, states_text
from gateway.kernel.errors import Conflict
from gateway.kernel.states import Machine

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=MACHINES, ids=lambda machine: machine.name)
def machine(request: pytest.FixtureRequest) -> Machine[Any, Any]:
    found: Machine[Any, Any] = request.param
    return found


def test_a_transition_that_is_not_listed_cannot_be_made(machine: Machine[Any, Any]) -> None:
    for state, event in itertools.product(machine.states, machine.events):
        if (state, event) in machine.table:
            assert machine.after(state, event) is machine.table[state, event]
        else:
            with pytest.raises(Conflict) as refused:
                machine.after(state, event)
            assert refused.value.error_code == "illegal-transition"


def test_every_state_can_be_reached_and_every_event_happens(machine: Machine[Any, Any]) -> None:
    assert machine.reachable == set(machine.states)
    assert {event for _, event in machine.table} == set(machine.events)


def test_from_every_state_some_final_state_can_be_reached(machine: Machine[Any, Any]) -> None:
    """Nothing waits for ever with no way out, not even by a person."""
    good = set(machine.final)
    assert good
    for _ in machine.states:
        good |= {state for (state, _), after in machine.table.items() if after in good}
    assert good == set(machine.states)


def test_every_state_and_event_has_words_in_both_tongues(machine: Machine[Any, Any]) -> None:
    assert set(machine.states) == set(type(machine.start))
    for words in (*machine.states.values(), *machine.events.values(), machine.title):
        assert words.en
        assert any("\u4e00" <= sign <= "\u9fff" for sign in words.zh)


def test_the_page_of_states_is_what_the_tables_say() -> None:
    assert (ROOT / "docs/states.md").read_text("utf-8") == states_text(), "run `lianpei schemas`"


def test_a_lost_answer_never_leads_to_a_decision_without_an_event_of_its_own() -> None:
    """Unknown is a state, not an error: it ends by an answer, by a reversal, by a person, or by going on asking."""
    after = {event: state for (before, event), state in CLAIM.table.items() if before is ClaimState.UNKNOWN}

    assert after == {
        ClaimEvent.SEND: ClaimState.SENT,
        ClaimEvent.PEND: ClaimState.ACCEPTED,
        ClaimEvent.LOSE: ClaimState.UNKNOWN,
        ClaimEvent.QUOTE: ClaimState.QUOTED,
        ClaimEvent.ASK_MORE: ClaimState.NEED_MORE,
        ClaimEvent.FALL: ClaimState.CLOSED,
        ClaimEvent.REVERSE: ClaimState.REVERSING,
        ClaimEvent.DECIDE: ClaimState.DECIDED,
        ClaimEvent.PARK: ClaimState.MANUAL,
    }


def _assigned_states(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        for target in itertools.chain.from_iterable(t.elts if isinstance(t, ast.Tuple) else [t] for t in targets):
            if isinstance(target, ast.Attribute) and target.attr == "state":
                yield f"{file.name}:{node.lineno}"


def test_no_code_sets_a_state_but_through_its_table() -> None:
    """A state set by hand would leave no row and could skip the table."""
    found = [place for file in (ROOT / "gateway/claims").rglob("*.py") for place in _assigned_states(file)]

    assert {place.partition(":")[0] for place in found} == {"changes.py", "book.py"}
