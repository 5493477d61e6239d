"""How long a counter may wait, and how long a bill is worked on before it is left to callbacks and timers."""

from dataclasses import dataclass
from datetime import datetime

from gateway.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class Budget:
    """A span on the monotonic clock; ``left()`` never goes below zero."""

    ends_at: float
    clock: Clock

    def left(self) -> float:
        return max(0.0, self.ends_at - self.clock.monotonic())

    @property
    def spent(self) -> bool:
        return self.left() <= 0.0


OUTPATIENT_S = 20.0
INPATIENT_S = 60.0
QUICK_CLAIM_S = 15.0
RESUMED_S = 10.0


def budget_for(kind: str, visit_kind: str, started: datetime, clock: Clock) -> Budget:
    """The promise: direct-pay is decided within 20 s (outpatient) or 60 s (inpatient) of the bill's arrival."""
    counter = INPATIENT_S if visit_kind == "inpatient" else OUTPATIENT_S
    whole = counter if kind == "direct_pay" else QUICK_CLAIM_S
    gone = max(0.0, (clock.now() - started).total_seconds())
    return Budget(clock.monotonic() + max(RESUMED_S if gone > whole else 0.0, whole - gone), clock)


ENQUIRIES = 12
"""After this many enquiries a person takes over (the 医保 mobile-pay material stops at 12)."""


def repeat_delay(attempt: int) -> float:
    """30 s, 1, 2, 4 … minutes, at most six hours: before an act that was taken and never answered is brought up again."""
    return float(min(21_600, 30 * 2 ** max(0, attempt - 1)))


_A_DAY_S = 24 * 3600.0


def given_up(attempts: int, age_s: float) -> bool:
    """Whether a taken act that was brought up so often, so long ago, goes to a person. Restarts alone can't use it up."""
    return attempts >= ENQUIRIES and age_s >= _A_DAY_S


def enquiry_delay(attempt: int) -> float:
    """1, 2, 4, 8 … seconds, at most five minutes."""
    return float(min(300, 2 ** max(0, attempt - 1)))
