"""The pay-later day: tell the patient, deduct, and after the last day record a default. Times are Shanghai's.

Source: the credit-pay deck's schedule (push 20:00, deduct 22:00, three days, 24:00 deadline); every number is a setting.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from gateway.kernel.clock import SHANGHAI

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """``days`` is how many days are tried; the deadline is the end (24:00) of the last."""

    push: time = time(20)
    deduct: time = time(22)
    days: int = 3

    def next_push(self, now: datetime) -> datetime:
        """The first push time after ``now``."""
        today = self._at(now, self.push)
        return today if now < today else self._at(now + _DAY, self.push)

    def deduction(self, now: datetime) -> datetime:
        """When the deduction follows that belongs to a push at ``now``."""
        return max(self._at(now, self.deduct), now)

    def deadline(self, now: datetime) -> datetime:
        """The end of this day."""
        return self._at(now + _DAY, time(0))

    def is_last(self, attempt: int) -> bool:
        return attempt >= self.days

    @staticmethod
    def _at(now: datetime, when: time) -> datetime:
        return datetime.combine(now.astimezone(SHANGHAI).date(), when, SHANGHAI)


def day_of(now: datetime) -> str:
    """The Shanghai day that a moment belongs to, as ``20250305``."""
    return now.astimezone(SHANGHAI).strftime("%Y%m%d")


def end_of_next_day(now: datetime) -> datetime:
    """When a payout ordered now is due at the latest: T+1 in calendar days."""
    return Schedule().deadline(now + _DAY)


def millis(moment: datetime) -> int:
    """Epoch milliseconds."""
    return int(moment.timestamp() * 1000)
