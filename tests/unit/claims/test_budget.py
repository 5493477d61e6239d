"""How long we ask, and when a person takes over."""

import pytest

from gateway.claims.conversation.budget import ENQUIRIES, enquiry_delay, given_up, repeat_delay

DAY = 24 * 3600


@pytest.mark.parametrize(
    ("attempts", "age", "expected"),
    [(ENQUIRIES, DAY, True), (ENQUIRIES, DAY - 1, False), (ENQUIRIES - 1, 9 * DAY, False), (1, 0, False)],
)
def test_a_person_takes_over_only_after_all_repeats_and_a_whole_day(attempts: int, age: float, expected: bool) -> None:
    """A gateway that is restarted often brings an act up often; that alone must not park a claim."""
    assert given_up(attempts, age) is expected


def test_pauses_grow_and_are_bounded() -> None:
    for delay, most in ((enquiry_delay, 300), (repeat_delay, 21_600)):
        pauses = [delay(attempt) for attempt in range(1, 30)]

        assert pauses == sorted(pauses)
        assert pauses[0] > 0
        assert pauses[-1] == most
