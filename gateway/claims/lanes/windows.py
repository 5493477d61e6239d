"""The hours in which an insurer is closed: maintenance each week or each day, or once. All in China's time."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from gateway.claims.lanes.rules import Closure
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import ConfigRefused

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST = timedelta(days=366)
_MINUTE_MS = 60_000


class Windows:
    """Raises ``ConfigRefused`` for hours that can't be read, have no end, or leave no open minute."""

    def __init__(self, closures: Iterable[Closure], where: str = "") -> None:
        self._spans = [_span(one, where) for one in closures]
        self._minute, self._until = -1, 0
        self.ever_closed = bool(self._spans)
        if self._spans and self.until(datetime(2024, 1, 1, tzinfo=UTC)) > datetime(2024, 2, 1, tzinfo=UTC):
            raise ConfigRefused(f"{where}: closed leaves no open hour", hint="each entry has a from and a to")

    def closed_until(self, now_ms: int) -> int:
        """When it opens (epoch ms), or 0 while it is open. Asked for every act: hours are told by the minute."""
        minute = now_ms // _MINUTE_MS
        if minute != self._minute:
            now = datetime.fromtimestamp(minute * 60, UTC)
            until = self.until(now)
            self._minute, self._until = minute, int(until.timestamp() * 1000) if until > now else 0
        return self._until

    def until(self, now: datetime) -> datetime:
        """When it opens; ``now`` while it is open. Hours that follow one another are one."""
        at = now.astimezone(SHANGHAI)
        while at - now < _LONGEST:
            ends = [end for one in self._spans if (end := one.end(at)) is not None]
            if not ends:
                break
            at = max(ends)
        return at.astimezone(now.tzinfo)


class _Once:
    def __init__(self, start: datetime, to: datetime) -> None:
        self._start, self._to = start, to

    def end(self, at: datetime) -> datetime | None:
        return self._to if self._start <= at < self._to else None


class _Weekly:
    """From a time of day on some weekdays to a time of day, maybe the next day's."""

    def __init__(self, days: frozenset[int], start: time, to: time) -> None:
        self._days, self._start, self._to = days, start, to

    def end(self, at: datetime) -> datetime | None:
        for day in (at.date(), at.date() - timedelta(days=1)):
            if day.weekday() in self._days:
                start, to = self._on(day)
                if start <= at < to:
                    return to
        return None

    def _on(self, day: date) -> tuple[datetime, datetime]:
        ends = day if self._to > self._start else day + timedelta(days=1)
        return datetime.combine(day, self._start, SHANGHAI), datetime.combine(ends, self._to, SHANGHAI)


def _span(one: Closure, where: str) -> _Once | _Weekly:
    if one.every:
        days = frozenset(range(7)) if one.every == "day" else frozenset({_DAYS.index(one.every)})
        start, to = _clock(one.start, where), _clock(one.to, where)
        return _Weekly(days, start, to)
    start_at, to_at = _instant(one.start, where), _instant(one.to, where)
    if start_at >= to_at:
        raise _unreadable(where)
    return _Once(start_at, to_at)


def _clock(text: str, where: str) -> time:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise _unreadable(where)
    return time(int(found[1]), int(found[2]))


def _instant(text: str, where: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)
    except ValueError:
        raise _unreadable(where) from None


def _unreadable(where: str) -> ConfigRefused:
    return ConfigRefused(
        f"{where}: closed: hours that can't be read",
        hint='write {every: sun, from: "02:00", to: "04:00"} or {from: "2026-10-01 00:00", to: "2026-10-01 06:00"}',
    )
