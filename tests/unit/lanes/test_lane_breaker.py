"""The breaker: too much lost opens it, only an enquiry's answer lets anything try again, and a trial grows."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.claims.lanes.breaker import Breaker, Phase
from gateway.claims.lanes.rules import BreakerRule

RULE = BreakerRule(share=50, least=4, within="10s", rest="1s", most="4s")


def broken(at: float = 0.0) -> Breaker:
    breaker = Breaker(RULE)
    for _ in range(4):
        breaker.saw(at, good=False, probe=False)
    assert breaker.phase is Phase.OPEN
    return breaker


def test_a_few_losses_among_many_answers_open_nothing() -> None:
    breaker = Breaker(RULE)
    for number in range(100):
        breaker.saw(number * 0.1, good=number % 3 < 2, probe=False)

    assert breaker.phase is Phase.CLOSED


def test_fewer_acts_than_least_say_nothing() -> None:
    breaker = Breaker(RULE)
    for _ in range(3):
        breaker.saw(0.0, good=False, probe=False)

    assert breaker.phase is Phase.CLOSED


def test_losses_of_long_ago_do_not_count() -> None:
    breaker = Breaker(RULE)
    for at in (0.0, 0.0, 0.0, 11.0):
        breaker.saw(at, good=False, probe=False)

    assert breaker.phase is Phase.CLOSED


def test_what_was_under_way_when_it_opened_does_not_close_it() -> None:
    breaker = broken()
    breaker.saw(0.5, good=True, probe=False)

    assert breaker.phase is Phase.OPEN


def test_an_answered_enquiry_lets_one_try_then_two_then_four() -> None:
    breaker = broken()
    breaker.saw(1.0, good=True, probe=True)
    sizes = [breaker.at_once]
    while breaker.phase is Phase.TRIAL:
        breaker.saw(2.0, good=True, probe=False)
        sizes.append(breaker.at_once)

    assert sizes == [1, 2, 4, 8]
    assert breaker.phase is Phase.CLOSED


def test_one_loss_on_trial_opens_it_again_and_the_rest_is_longer_up_to_a_bound() -> None:
    breaker, rests = broken(), []
    for at in (10.0, 20.0, 30.0, 40.0):
        breaker.saw(at, good=True, probe=True)
        breaker.saw(at, good=False, probe=False)
        rests.append(breaker.rests_until - at)

    assert rests == [2.0, 4.0, 4.0, 4.0]


def test_a_lost_probe_is_not_repeated_before_a_longer_rest() -> None:
    breaker = broken()
    breaker.saw(1.0, good=False, probe=True)

    assert breaker.phase is Phase.OPEN
    assert breaker.rests_until == 3.0


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans(), st.booleans()), max_size=200))
def test_whatever_comes_it_never_leaves_open_but_by_an_answered_probe(steps: list[tuple[float, bool, bool]]) -> None:
    breaker, now = Breaker(RULE), 0.0
    for pause, good, probe in steps:
        now += pause
        before = breaker.phase
        breaker.saw(now, good=good, probe=probe)
        if before is Phase.OPEN and breaker.phase is not Phase.OPEN:
            assert good
            assert probe
            assert breaker.phase is Phase.TRIAL
        if before is Phase.CLOSED and breaker.phase is not Phase.CLOSED:
            assert not good
            assert breaker.phase is Phase.OPEN
        assert breaker.at_once == 1 or breaker.phase is not Phase.OPEN
