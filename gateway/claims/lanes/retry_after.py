"""``Retry-After`` of a peer: whole seconds, or a date (RFC 9110, 10.2.3). Whatever can't be read asks for one second."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SHORTEST = 1.0


def asked_wait(header: str, now: datetime) -> float:
    """Seconds; never less than one, for somebody asked us to wait."""
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return max(_SHORTEST, float(text))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return _SHORTEST
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(_SHORTEST, (until - now).total_seconds())
