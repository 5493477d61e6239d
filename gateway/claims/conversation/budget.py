"""How long a counter may wait, and how long a bill is worked on before it is left to callbacks and timers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from gateway.claims.partners.manifest import BudgetRule
from gateway.kernel.clock import Clock
from gateway.kernel.spans import seconds


class Budget(msgspec.Struct, frozen=True):
    """A span on the monotonic clock; ``left()`` never goes below zero."""

    ends_at: float
    clock: Clock

    def left(self) -> float:
        return max(0.0, self.ends_at - self.clock.monotonic())

    @property
    def spent(self) -> bool:
        return self.left() <= 0.0


QUICK_CLAIM_S = 15.0
RESUMED_S = 10.0


def whole_of(kind: str, visit_kind: str, rule: BudgetRule) -> float:
    """The promise in seconds: direct-pay is decided within 20 s (outpatient) or 60 s (inpatient) of the bill's arrival."""
    if kind != "direct_pay":
        return QUICK_CLAIM_S
    return seconds(rule.inpatient if visit_kind == "inpatient" else rule.outpatient)


def budget_for(whole: float, started: datetime, clock: Clock) -> Budget:
    """What is left of ``whole`` seconds since ``started``; a bill that is taken up again later gets a while."""
    gone = max(0.0, (clock.now() - started).total_seconds())
    return Budget(clock.monotonic() + max(RESUMED_S if gone > whole else 0.0, whole - gone), clock)


def steps_budget(whole: Budget, seconds_in_all: float, started: datetime | None, rule: BudgetRule) -> Budget:
    """All of ``whole`` but the reserve, for the acts before the settling one; ``started`` of a bill that is taken up again."""
    reserve = seconds_in_all * rule.reserve / 100
    if started is None:
        end = whole.ends_at - reserve  # a later policy whose turn comes after that has the reserve
        return whole if end <= whole.clock.monotonic() else Budget(end, whole.clock)
    return budget_for(seconds_in_all - reserve, started, whole.clock)


class Stage(StrEnum):
    PREPARE = "prepare"
    QUOTE = "quote"
    SETTLE = "settle"


# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_STAGE_PREPARE = Stage.PREPARE


_BY_ROLE = {"quote": Stage.QUOTE, "settle": Stage.SETTLE, "claim": Stage.SETTLE}


def stage_of(role: str) -> Stage:
    return _BY_ROLE.get(role, _STAGE_PREPARE)


@dataclass(slots=True)
class Stages:
    """One direct-pay claim's deadline, split: what a stage does not need, the next one has.

    The last part is the reserve: no settling act begins in it, so that its outcome can be enquired about, or it be
    reversed, while the patient is still there.
    """

    started: float
    ends_at: float
    rule: BudgetRule
    clock: Clock

    def end_of(self, stage: Stage) -> float:
        """When ``stage`` must be over, on the monotonic clock; for settling: when it must have begun."""
        percent = self.rule.prepare if stage is _STAGE_PREPARE else self.rule.prepare + self.rule.quote
        return self.started + (self.ends_at - self.started) * percent / 100

    def late_for(self, stage: Stage) -> bool:
        return self.clock.monotonic() >= self.end_of(stage)

    def within(self, stage: Stage) -> Budget:
        """How long ``stage``, one before settling, may take."""
        return Budget(self.end_of(stage), self.clock)


def stages_for(whole: float, created: datetime, rule: BudgetRule, clock: Clock) -> Stages:
    """The stages of a claim whose turn comes now, of a bill that came at ``created``."""
    now = clock.monotonic()
    gone = max(0.0, (clock.now() - created).total_seconds())
    return Stages(now, max(now, now + whole - gone), rule, clock)


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
