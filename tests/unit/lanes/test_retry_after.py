"""Retry-After in every form that peers use, and in forms that nobody should."""

from datetime import UTC, datetime

import pytest
from turned_clock import TurnedByHand

from gateway.claims.lanes.lane import Lane
from gateway.claims.lanes.retry_after import asked_wait
from gateway.claims.lanes.rules import BreakerRule, Limits
from gateway.claims.lanes.ways import Way
from gateway.kernel.errors import NotNow

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7.0),
        (" 30 ", 30.0),
        ("Sun, 22 Nov 2026 04:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 03:00:00 GMT", 1.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("soon", 1.0),
        ("", 1.0),
        ("1e9", 1.0),
        ("999999999999999999", 1.0),
    ],
)
def test_what_the_peer_asks_for_is_read(header: str, wait: float) -> None:
    assert asked_wait(header, NOW) == wait


def test_an_absurd_wish_is_obeyed_for_the_longest_rest_only() -> None:
    clock = TurnedByHand()
    lane = Lane(Limits(), BreakerRule(most="2m"), (), frozenset({"direct_pay"}), clock)
    lane.asked_to_wait("86400")

    with pytest.raises(NotNow) as wait:
        lane.require_open(Way.COUNTER)
    assert (wait.value.error_code, wait.value.opens_at) == ("insurer-asks-to-wait", clock.epoch_ms() + 120_000)
    clock.passed = 121.0
    lane.require_open(Way.COUNTER)
