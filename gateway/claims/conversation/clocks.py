"""The two T+1 clocks of a quick-claim (§3.4): application complete → credited, and approval → credited.

The source does not say what T is, nor whether days are calendar or working days; both are settings, and the strict reading
(application, calendar days) is the default. All days are days in Shanghai.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from gateway.kernel.clock import SHANGHAI

_SATURDAY = 5


class ClockName(StrEnum):
    APPLICATION = "application"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class DayRule:
    """How a promise counts its days: ``working`` skips weekends and holidays, but not weekend days that are worked."""

    days: int = 1
    working: bool = False
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def due(self, start: datetime) -> datetime:
        """The end of the day T+``days`` in Shanghai, as an instant in UTC."""
        day, left = start.astimezone(SHANGHAI).date(), self.days
        while left:
            day += timedelta(days=1)
            left -= not self.working or self.is_worked(day)
        return datetime.combine(day + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)

    def is_worked(self, day: date) -> bool:
        if day in self.workdays:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays


@dataclass(frozen=True, slots=True)
class Running:
    """A payout that is not credited yet: since when each of its clocks runs."""

    order_id: str
    insurer: str
    since: dict[ClockName, datetime]


def overdue(running: Running, rules: dict[ClockName, DayRule], now: datetime) -> dict[ClockName, datetime]:
    """The clocks that have run out, with the instant at which each did."""
    due = {name: rules[name].due(since) for name, since in running.since.items()}
    return {name: at for name, at in due.items() if at <= now}
