"""Maintenance hours are China's, whatever the host's zone; hours that touch are one; unreadable ones do not load."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.claims.lanes.rules import Closure
from gateway.claims.lanes.windows import Windows
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import ConfigRefused

SUNDAY = Closure("02:00", "04:00", "sun")
NIGHT = Closure("23:30", "00:30", "day")
ONCE = Closure("2026-10-01 00:00", "2026-10-01 06:00")


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def until(windows: Windows, at: datetime) -> datetime | None:
    found = windows.closed_until(int(at.timestamp() * 1000))
    return datetime.fromtimestamp(found / 1000, SHANGHAI) if found else None


@pytest.mark.parametrize(
    ("closure", "at", "opens"),
    [
        (SUNDAY, "2026-11-22T01:59", None),
        (SUNDAY, "2026-11-22T02:00", "2026-11-22T04:00"),
        (SUNDAY, "2026-11-22T04:00", None),
        (SUNDAY, "2026-11-23T03:00", None),
        (NIGHT, "2026-11-22T23:45", "2026-11-23T00:30"),
        (NIGHT, "2026-11-23T00:15", "2026-11-23T00:30"),
        (NIGHT, "2026-11-23T12:00", None),
        (ONCE, "2026-10-01T05:59", "2026-10-01T06:00"),
        (ONCE, "2027-10-01T05:59", None),
    ],
)
def test_an_insurer_is_closed_in_its_hours_and_in_no_others(closure: Closure, at: str, opens: str | None) -> None:
    assert until(Windows([closure]), china(at)) == (china(opens) if opens else None)


def test_hours_that_follow_one_another_are_one() -> None:
    late = Closure("2026-11-22 04:00", "2026-11-22 09:00")

    assert until(Windows([SUNDAY, late]), china("2026-11-22T02:30")) == china("2026-11-22T09:00")


@pytest.mark.parametrize(
    "closure",
    [
        Closure("25:00", "04:00", "sun"),
        Closure("02:00", "04:00"),
        Closure("2026-10-01 06:00", "2026-10-01 00:00"),
        Closure("2026-13-01 06:00", "2026-13-02 00:00"),
        Closure("00:00", "00:00", "day"),
    ],
    ids=lambda one: f"{one.every} {one.start}-{one.to}",
)
def test_hours_that_can_not_be_read_or_never_end_are_refused(closure: Closure) -> None:
    with pytest.raises(ConfigRefused, match="one/insurer"):
        Windows([closure], "one/insurer.yaml")


_TIMES = st.times().map(lambda at: f"{at:%H:%M}")
_DAYS = st.sampled_from(["mon", "wed", "sun"])


@given(st.builds(Closure, _TIMES, _TIMES, _DAYS), st.integers(0, 525_600))
def test_when_it_opens_it_is_open_and_a_minute_before_it_was_not(closure: Closure, minute: int) -> None:
    windows, now = Windows([closure]), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    opens = windows.until(now)

    assert windows.until(opens) == opens
    if opens > now:
        assert windows.until(opens - timedelta(minutes=1)) == opens
