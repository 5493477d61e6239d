"""Days of the books: civil days in China, written 2026-11-21."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import BadRequest


def read_day(text: str) -> date:
    """Raises ``BadRequest`` (``recon-day``)."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        raise BadRequest("a day is written like 2026-11-21", code="recon-day", hint="Days are civil days in China.")
    return found


def bounds(day: date, zone: ZoneInfo = SHANGHAI) -> tuple[int, int]:
    """First moment of the day and of the next one, in epoch ms."""
    first, end = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return int(first.timestamp() * 1000), int(end.timestamp() * 1000)
