"""A hospital's pace: so many at once, so many a second, and a true word on when to come back."""

import pytest

from gateway.claims.door.fairness import HospitalLimits, Pace
from gateway.kernel.errors import TooOften


class Hand:
    """A clock that is moved by hand, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(pace: Pace, most: int) -> int:
    for count in range(most):
        try:
            pace.take()
        except TooOften:
            return count
    return most


def test_a_burst_is_served_and_then_the_agreed_pace() -> None:
    hand = Hand()
    pace = Pace(HospitalLimits(per_second=2, burst=5), hand)

    assert taken(pace, 10) == 5
    hand.now = 1.0
    assert taken(pace, 10) == 2
    hand.now = 1000.0
    assert taken(pace, 10) == 5, "a long pause gives a burst and no more"


@pytest.mark.parametrize(("per_second", "wait"), [(10.0, 1), (0.5, 2), (0.1, 10)])
def test_who_comes_back_when_told_is_served(per_second: float, wait: int) -> None:
    hand = Hand()
    pace = Pace(HospitalLimits(per_second=per_second, burst=1), hand)
    pace.take()

    with pytest.raises(TooOften) as told:
        pace.take()
    assert told.value.retry_after_s == wait
    hand.now += wait
    pace.take()


def test_what_was_refused_does_not_count() -> None:
    hand = Hand()
    pace = Pace(HospitalLimits(per_second=1, burst=1), hand)
    pace.take()
    assert [taken(pace, 1) for _ in range(50)] == [0] * 50
    hand.now = 1.0
    assert taken(pace, 1) == 1
