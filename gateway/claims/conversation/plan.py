"""Which acts a claim goes through, in order: the manifest's list, batches spread out, absent parts left out."""

from typing import Any

import msgspec

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.cover import Policy
from gateway.claims.canonical.types import UNSET, BenefitType, ClaimKind
from gateway.claims.partners.manifest import ActRule, Manifest

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_DIRECT_PAY = ClaimKind.DIRECT_PAY
_EXPENSE = BenefitType.EXPENSE


class Step(msgspec.Struct, frozen=True):
    act: str
    rule: ActRule
    batch_no: int = 1
    batch_count: int = 1

    @property
    def batch_size(self) -> int:
        return self.rule.size if self.rule.batch else 0


def _present(submission: Submission, part: str) -> bool:
    value: Any = submission
    for name in part.split("."):
        value = getattr(value, name, UNSET)
        if value is UNSET:
            return False
    return value not in ((), None)


def acts_of(manifest: Manifest, kind: str) -> tuple[str, ...]:
    """The acts of a kind; empty where the partner does not offer it. A guarantee is the act that has the role."""
    if kind == "guarantee":
        return tuple(name for name, rule in manifest.acts.items() if rule.role == "guarantee")
    return manifest.kinds.get(kind, ())


def plan(manifest: Manifest, kind: str, submission: Submission) -> tuple[Step, ...]:
    """The steps of one claim. The same submission and manifest always give the same plan, so a step number can be stored."""
    steps: list[Step] = []
    for act in acts_of(manifest, kind):
        rule = manifest.rule(act)
        if rule.when and not _present(submission, rule.when):
            continue
        if not rule.batch:
            steps.append(Step(act, rule))
            continue
        batches = -(-len(submission.lines) // rule.size)
        steps += [Step(act, rule, number, batches) for number in range(1, batches + 1)]
    return tuple(steps)


def in_turn(submission: Submission) -> list[tuple[Policy, ClaimKind, int]]:
    """Policies in the patient's order, each with its kind and, where it lost its place, that place (else 0).

    A fixed benefit is paid to the patient and never at the counter: on a direct-pay bill it is claimed afterwards.
    """
    policies = sorted(submission.policies, key=lambda policy: policy.order_no)
    special = [policy for policy in policies if policy.benefit_type is not _EXPENSE]
    if submission.kind is not _DIRECT_PAY or not special:
        return [(policy, submission.kind, 0) for policy in policies]
    placed = [(policy, place) for place, policy in enumerate(policies, 1)]
    placed.sort(key=lambda one: one[0].benefit_type is BenefitType.FIXED)
    return [
        (policy, ClaimKind.QUICK_CLAIM if policy.benefit_type is BenefitType.FIXED else submission.kind, place)
        for policy, place in placed
    ]
