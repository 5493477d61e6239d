"""Sample bills, each of another patient, visit and policy than every other of the run."""

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.visits import HOSPITAL_CODE, Wish, submission

_seeds = itertools.count(700_001)
QUICK = frozenset({"ant", "eclaimlink", "gbk-soap", "padded-xml"})
"""Insurers that offer quick-claim only."""


@dataclass(frozen=True)
class SampleBill:
    wish: Wish
    submission: dict[str, Any]
    body: bytes = field(repr=False)
    key: str

    @property
    def insurers(self) -> tuple[str, ...]:
        return self.wish.insurers

    @property
    def holders(self) -> frozenset[str]:
        """What the insurers' books know this bill's policies by: the policy number, or the person's certificate."""
        numbers = {policy["policy_no"] for policy in self.submission["policies"]}
        return frozenset(numbers | {self.submission["patient"]["cert_no"]})

    def changed(self, change: Any, key: str = "") -> "SampleBill":
        """Another bill under the same key: ``change`` is applied to a fresh copy of the submission."""
        other = submission(self.wish)
        change(other)
        return replace(self, submission=other, body=to_json(other), key=key or self.key)


def sample_bill(
    *insurers: str, story: str = "", marks: bool = False, hospital: str = HOSPITAL_CODE, policy: str = ""
) -> SampleBill:
    """A bill for ``insurers`` in order; ``policy`` is the start of the first policy's number (SLOW, REFUSE …)."""
    seed = next(_seeds)
    kind = "quick_claim" if insurers[0] in QUICK else "direct_pay"
    story = story or ("self-pay" if insurers[0] in QUICK else "outpatient")
    numbers = (f"{policy}{seed:08d}",) if policy else ()
    wish = Wish(story, seed, kind, insurers, numbers, marks=marks, hospital=hospital)
    made = submission(wish)
    return SampleBill(wish, made, to_json(made), f"test-{seed}")
