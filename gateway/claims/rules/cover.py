"""Rules 22 and 23: the policies of one bill against each other, and a child's guardian."""

from collections.abc import Iterator

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.types import UNSET
from gateway.claims.rules.case import day_in_shanghai
from gateway.claims.rules.finding import Finding, flag, refuse

GUARDED_UNTIL = 14
"""Under this age a guardian consents (PIPL 31)."""


def policies_once(s: Submission) -> Iterator[Finding]:
    """Rule 22: no policy counts twice, and each has its own place in the order.

    The same number at another insurer, under another certificate, product or benefit is another policy.
    """
    policies = s.policies
    if len(policies) < 2:
        return
    seen: dict[tuple[object, ...], int] = {}
    places: dict[int, int] = {}
    for index, one in enumerate(policies):
        named = (one.insurer_code, one.policy_no, one.cert_no_group, one.product_code, one.benefit_type)
        first = seen.setdefault(named, index)
        if first != index:
            fields = (f"policies.{first}.policy_no", f"policies.{index}.policy_no")
            yield refuse("claim-22", fields, "同一保单在本单中出现两次", "a policy occurs twice in this bill")
        first = places.setdefault(one.order_no, index)
        if first != index:
            fields = (f"policies.{first}.order_no", f"policies.{index}.order_no")
            yield refuse("claim-22", fields, "两份保单理赔顺序相同", "two policies have the same place in the order")


def guardian(s: Submission) -> Iterator[Finding]:
    """Rule 23: a patient under 14 has a guardian. Only flagged: most hospital formats have no place to name one."""
    patient, begin = s.patient, s.visit.begin_at
    born = patient.birth_date
    if begin.year - born.year > GUARDED_UNTIL + 1 or patient.guardian_ref is not UNSET:
        return
    day = day_in_shanghai(begin)
    if born <= day and (day.year, day.month, day.day) < (born.year + GUARDED_UNTIL, born.month, born.day):
        fields = ("patient.guardian_ref", "patient.birth_date")
        yield flag("claim-23", fields, "未满 14 周岁患者未指明监护人", "a patient under 14 has no guardian named")
