"""When a message was made: how the instant is written, and how old it may be."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gateway.kernel.clock import SHANGHAI
from gateway.wire.seals import refusal
from gateway.wire.seals.settings import Settings

AHEAD = timedelta(seconds=5)
"""How far a peer's clock may run ahead of ours."""
_COMPACT, _SPACED = "%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S"


class TimeForm(StrEnum):
    MILLISECONDS = "ms"
    SECONDS = "s"
    COMPACT = "compact"
    """``20250305101200``, the civil time in China."""
    SPACED = "spaced"
    """``2025-03-05 10:12:00``, the civil time in China."""

    def write(self, instant: datetime) -> str:
        if self is TimeForm.MILLISECONDS:
            return str(int(instant.timestamp()) * 1000 + instant.microsecond // 1000)
        if self is TimeForm.SECONDS:
            return str(int(instant.timestamp()))
        return instant.astimezone(SHANGHAI).strftime(_COMPACT if self is TimeForm.COMPACT else _SPACED)

    def read(self, text: str) -> datetime:
        """Raises ``ValueError`` for another form."""
        if self in (TimeForm.MILLISECONDS, TimeForm.SECONDS):
            if not (text.isascii() and text.isdigit() and len(text) <= 15):
                raise ValueError("the time is no plain number")
            unit = 1000 if self is TimeForm.MILLISECONDS else 1
            return datetime.fromtimestamp(int(text) / unit, UTC)
        form = _COMPACT if self is TimeForm.COMPACT else _SPACED
        return datetime.strptime(text, form).replace(tzinfo=SHANGHAI)


@dataclass(frozen=True, slots=True)
class Freshness:
    """The agreed window. A future time is as suspect as an old one: it would be valid for longer than agreed."""

    form: TimeForm
    window: timedelta

    def write(self, now: datetime) -> str:
        return self.form.write(now)

    def require(self, text: str, now: datetime) -> None:
        """Raises ``SealRefused``: seal-form for no such time, seal-stale outside the window."""
        try:
            age = now - self.form.read(text)
        except (ValueError, OverflowError, OSError):
            raise refusal.form("the message's time is not written as agreed") from None
        if not -AHEAD <= age <= self.window:
            raise refusal.stale()


def build_freshness(settings: Settings) -> Freshness:
    """From ``time_form`` (ms) and ``window_s`` (300)."""
    form = settings.choice("time_form", TimeForm, TimeForm.MILLISECONDS)
    return Freshness(form, timedelta(seconds=settings.number("window_s", 300)))
