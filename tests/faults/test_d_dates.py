"""Group D, dates: days of Shanghai wherever the host stands, hours that come twice or never, and moments that do not exist."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bills import sample_bill
from support.hostile import require_refusal
from support.house import House
from support.workshop import Workshop, dispatch, dispatch_data

from gateway.claims.conversation.clocks import DayRule
from gateway.claims.reconciliation.days import bounds, read_day
from gateway.kernel.clock import SHANGHAI
from gateway.mapping.runtime.dates import localiser, reader, writer


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


ZONES = ("UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu", "Australia/Lord_Howe")


@pytest.fixture(params=ZONES)
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This process stands in another zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_d7_the_day_changes_at_midnight_in_shanghai_wherever_the_host_stands(elsewhere: str) -> None:
    midnight = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    before = midnight - timedelta(milliseconds=1)
    first, end = bounds(read_day("2026-03-03"))

    assert os.environ["TZ"] == elsewhere
    assert (first, end) == (int(midnight.timestamp() * 1000), int(midnight.timestamp() * 1000) + 86_400_000)
    assert DayRule().due(before) == midnight + timedelta(days=1)
    assert DayRule().due(midnight) == midnight + timedelta(days=2)


def test_d7_a_mapping_writes_and_reads_times_alike_wherever_the_host_stands(shop: Workshop, elsewhere: str) -> None:
    act = dispatch_data()["act"] | {"sent_at": "2026-03-02T16:00:00Z"}
    told = {
        'datetime(act.sent_at, "%Y-%m-%d %H:%M:%S")': "2026-03-03 00:00:00",
        'datetime(act.sent_at, "%Y-%m-%d %H:%M:%S", midnight="24")': "2026-03-02 24:00:00",
        'date(day_of(act.sent_at), "%Y%m%d")': "20260303",
        'datetime(parse_datetime("2026-03-03 00:00:00", "%Y-%m-%d %H:%M:%S"), "%Y%m%d%H%M%S", zone="UTC")': "20260302160000",
        'datetime(parse_datetime("2026-03-02 24:00:00", "%Y-%m-%d %H:%M:%S"), "%Y%m%d%H%M%S", zone="UTC")': "20260302160000",
        'datetime(parse_datetime("2026-03-03T06:00:00+14:00", "iso"), "%Y%m%d%H%M%S")': "20260303000000",
    }
    for expression, expected in told.items():
        assert shop.value(expression, dispatch(act=act)) == expected, (elsewhere, expression)


@given(
    st.integers(-2_208_902_400, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "UTC"]),
)
def test_d7_local_times_are_those_of_zoneinfo(moment: datetime, key: str) -> None:
    zone, form = ZoneInfo(key), "%Y-%m-%d %H:%M:%S.%f"
    there = moment.astimezone(zone)

    spelt = writer(form, zone)(moment)
    again = reader(form, zone)(spelt)

    assert spelt == there.strftime(form).rjust(len(spelt), "0")
    assert localiser(zone)(moment).utcoffset() == there.utcoffset()
    assert (again.year, again.hour, again.microsecond) == (there.year, there.hour, there.microsecond)
    if not there.fold:
        assert again.astimezone(UTC) == moment.astimezone(UTC)
    else:
        # The hour that comes twice means its first, as RFC 5545 has it (section 3.3.5).
        assert again.astimezone(UTC) < moment.astimezone(UTC)


def test_d7_an_hour_that_does_not_exist_counts_by_the_offset_before_it() -> None:
    """RFC 5545, section 3.3.5: 02:30 of the night when clocks went from 02:00 to 03:00 is 03:30."""
    gap = reader("%Y-%m-%d %H:%M", ZoneInfo("America/New_York"))("2025-03-09 02:30")

    assert gap.astimezone(UTC) == datetime(2025, 3, 9, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2025-02-29 10:00:00", "2024-02-30 10:00:00", "2025-03-05 24:00:01", "2025-06-30 23:59:60", "0000-01-01 00:00:00"],
)
def test_d7_a_moment_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="does not exist"):
        reader("%Y-%m-%d %H:%M:%S", SHANGHAI)(text)


NO_TIMES = (
    "2025-02-29T10:00:00+08:00",
    "2025-03-05T24:00:00+08:00",
    "2025-03-05T10:00:00",
    "2025-03-05T10:00:00+25:00",
    "2025-03-05",
    "1741140900",
)
ODD_TIMES = (
    *NO_TIMES,
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "2025-06-30T23:59:60Z",
    "2025-03-05T10:00:00+14:00",
)


@pytest.mark.parametrize("field", ["visit.begin_at", "lines.0.occurred_at", "consent.given_at", "policies.0.end_at"])
async def test_d7_an_odd_time_in_a_bill_is_refused_or_flagged_and_breaks_nothing(house: House, field: str) -> None:
    for odd in ODD_TIMES:
        bill = sample_bill("package").changed(lambda made, odd=odd: _put(made, field, odd))

        answer = await house.submit(bill, wait=5)

        assert answer.status in (200, 202, 400, 422), (odd, answer.body)
        if field == "visit.begin_at" and odd[:4] in ("0001", "9999"):
            require_refusal(answer, 422, "bad-claim")
        assert answer.status in (400, 422) or odd not in NO_TIMES, odd


def _put(made: Any, path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        made = made[int(step)] if step.isdigit() else made[step]
    made[last] = value
