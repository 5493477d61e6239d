"""A counter's time is split, so that what can't be settled in time is left while nothing has happened yet."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.claims.conversation.budget import Stage, Stages, budget_for, stages_for, whole_of
from gateway.claims.partners.manifest import BudgetRule

ARRIVED = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Clock:
    def __init__(self, passed: float = 0.0) -> None:
        self.passed = passed

    def now(self) -> datetime:
        return ARRIVED + timedelta(seconds=self.passed)

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return 1000.0 + self.passed


def _stages(passed: float = 0.0) -> tuple[Clock, Stages]:
    clock = Clock(passed)
    return clock, stages_for(20.0, ARRIVED, BudgetRule(), clock)


@pytest.mark.parametrize(
    ("kind", "visit", "expected"),
    [
        ("direct_pay", "outpatient", 20),
        ("direct_pay", "pharmacy", 20),
        ("direct_pay", "inpatient", 60),
        ("quick_claim", "inpatient", 15),
    ],
)
def test_the_promise_is_20_seconds_or_a_minute(kind: str, visit: str, expected: float) -> None:
    assert whole_of(kind, visit, BudgetRule()) == expected


def test_a_contract_may_agree_on_other_times() -> None:
    assert whole_of("direct_pay", "outpatient", BudgetRule(outpatient="8s")) == 8


def test_each_stage_ends_before_the_next_and_a_reserve_is_left() -> None:
    _, stages = _stages()

    ends = [stages.end_of(stage) - stages.started for stage in Stage]

    assert ends == [10.0, 17.0, 17.0]
    assert stages.within(Stage.QUOTE).left() == 17.0


@pytest.mark.parametrize(
    ("passed", "stage", "late"),
    [
        (9.9, Stage.PREPARE, False),
        (10.0, Stage.PREPARE, True),
        (16.9, Stage.QUOTE, False),
        (16.9, Stage.SETTLE, False),
        (17.0, Stage.SETTLE, True),
    ],
)
def test_a_stage_is_late_at_its_end(passed: float, stage: Stage, late: bool) -> None:
    clock, stages = _stages()
    clock.passed = passed

    assert stages.late_for(stage) is late


def test_the_second_policy_splits_what_the_first_left() -> None:
    _, stages = _stages(passed=10.0)

    assert stages.end_of(Stage.PREPARE) - stages.started == 5.0
    assert stages.ends_at - stages.started == 10.0


def test_a_bill_that_is_taken_up_long_after_has_no_stage_left_but_a_while_to_ask() -> None:
    clock, stages = _stages(passed=3600.0)

    assert stages.late_for(Stage.PREPARE)
    assert stages.late_for(Stage.SETTLE)
    assert budget_for(20.0, ARRIVED, clock).left() == 10.0
