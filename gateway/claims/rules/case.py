"""Rules 16, 17 and 20: times, the policy's span and the diagnoses. Days are days in Shanghai."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.types import UNSET
from gateway.claims.rules.finding import Finding, flag, refuse
from gateway.kernel.clock import SHANGHAI

FIRST_YEAR, LAST_YEAR = 1900, 2200
SLACK = timedelta(days=1)
"""How far a line may lie outside its visit: registration comes before, late charging after."""


def day_in_shanghai(moment: datetime) -> date:
    """A moment at the very end of the calendar has no other zone's day and keeps its own."""
    try:
        return moment.astimezone(SHANGHAI).date()
    except OverflowError:
        return moment.date()


def possible_visit(s: Submission) -> Iterator[Finding]:
    """Rule 16: the visit is at a possible time; a year 0001 is a system's way to say that it knows none."""
    for field, moment in (("visit.begin_at", s.visit.begin_at), ("visit.end_at", s.visit.end_at)):
        if moment is not UNSET and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            yield refuse("claim-16", (field,), "就诊时间不可能", "the visit is at no possible time")


def visit_times(s: Submission) -> Iterator[Finding]:
    """Rule 16: lines lie inside the visit, a day's slack on both sides; the stay's days are the dates' difference."""
    visit = s.visit
    begin, end = visit.begin_at, visit.end_at
    if end is not UNSET and end < begin:
        yield flag(
            "claim-16", ("visit.begin_at", "visit.end_at"), "就诊结束早于开始", "the visit ends before it begins"
        )
        return
    times = [line.occurred_at for line in s.lines]
    if begin - min(times) > SLACK or (end is not UNSET and max(times) - end > SLACK):
        fields = ("lines.occurred_at", "visit.begin_at", "visit.end_at")
        yield flag("claim-16", fields, "有明细在就诊时间之外", "a line lies outside the visit")
    if (
        end is not UNSET
        and visit.days is not UNSET
        and visit.days != max((day_in_shanghai(end) - day_in_shanghai(begin)).days, 1)
    ):
        fields = ("visit.days", "visit.begin_at", "visit.end_at")
        yield flag("claim-16", fields, "住院天数与起止日期不符", "the days do not fit the dates")


def policy_span(s: Submission) -> Iterator[Finding]:
    """Rule 17: each policy is in force at the event, which is the beginning of the visit: begin ≤ event < end."""
    event = s.visit.begin_at
    for index, policy in enumerate(s.policies):
        if not policy.begin_at <= event < policy.end_at:
            fields = (f"policies.{index}.begin_at", f"policies.{index}.end_at", "visit.begin_at")
            yield refuse("claim-17", fields, "出险日期不在保单期间", "the event lies outside the policy's span")


def diagnoses(s: Submission) -> Iterator[Finding]:
    """Rule 20: exactly one main diagnosis; every procedure was done during the visit."""
    if sum([diagnosis.is_main for diagnosis in s.diagnoses]) != 1:
        yield refuse("claim-20", ("diagnoses.is_main",), "主诊断须恰好一个", "there must be exactly one main diagnosis")
    if not s.procedures:
        return
    first = day_in_shanghai(s.visit.begin_at)
    last = day_in_shanghai(s.visit.end_at) if s.visit.end_at is not UNSET else date.max
    for index, procedure in enumerate(s.procedures):
        if not first <= procedure.performed_on <= last:
            fields = (f"procedures.{index}.performed_on", "visit.begin_at", "visit.end_at")
            yield refuse("claim-20", fields, "手术日期不在就诊期间", "a procedure lies outside the visit")
