"""Insurers of every character that a partner folder can describe: how they are spoken to, and what they do with a repeat."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from gateway.claims.partners.manifest import Fault, Manifest

SETTLING_S = 8.0
_COMMON: dict[str, Any] = {
    "names": {"zh": "模拟", "en": "Simulated"},
    "protocol": "json",
    "seal": {},
    "settling_time": f"{SETTLING_S:g}s",
    "poll_every": "3s",
    "enquiries": 6,
}
FAULTS = {
    "NO": Fault(code="not-covered", who="insurer", retry="no", zh="不赔", en="Not covered"),
    "PAID": Fault(code="already-paid", who="insurer", retry="no", zh="已打款", en="Paid out"),
    "NONE": Fault(code="not-found", who="gateway", retry="no", zh="查无此单", en="Nothing to undo"),
}


@dataclass(frozen=True)
class Profile:
    manifest: Manifest
    knows_repeats: bool
    """Whether a message under a known act id is the same message; else it is done again."""
    calls: bool
    """Whether results come by callback."""
    says_pending: float
    """How often a claim is taken first and answered later."""


def _profile(
    code: str, knows_repeats: bool, calls: bool, says_pending: float, acts: dict[str, Any], **more: Any
) -> Profile:
    status = {"status": {"role": "status", "timeout": "3s"}}
    timed = {name: {"timeout": "3s"} | rule for name, rule in acts.items()}
    told = _COMMON | {"insurer": code, "acts": timed | status} | more
    return Profile(msgspec.convert(told, Manifest), knows_repeats, calls, says_pending)


@cache
def profiles() -> dict[str, Profile]:
    settle = {"role": "settle", "status": "status", "undo": "refund"}
    undo = {"role": "undo", "status": "status"}
    found = (
        # Speaks in many steps, repeats are one message, settlement is asked after (as huiyibao).
        _profile(
            "steps",
            False,
            False,
            0.0,
            {
                "open": {"retry": "same_id"},
                "quote": {"role": "quote", "retry": "same_id", "undo": "cancel"},
                "settle": settle,
                "push": {"role": "after", "retry": "same_id"},
                "cancel": undo,
                "refund": undo,
            },
            kinds={"direct_pay": ("open", "quote", "settle", "push")},
        ),
        # One settling act that must never go twice; unknown ones are reversed.
        _profile(
            "reverser",
            False,
            True,
            0.2,
            {"settle": settle, "refund": undo},
            kinds={"direct_pay": ("settle",), "quick_claim": ("settle",)},
            on_unknown="reverse",
        ),
        # A quote stands by contract when the settlement's answer is lost for good.
        _profile(
            "acceptor",
            False,
            False,
            0.0,
            {"quote": {"role": "quote", "status": "status"}, "settle": settle, "refund": undo},
            kinds={"direct_pay": ("quote", "settle")},
            on_unknown="accept",
        ),
        # Takes a claim and calls later; can't be asked, a repeat is the same message (as ant).
        _profile(
            "caller", True, True, 0.8, {"claim": {"role": "claim", "retry": "same_id"}}, kinds={"quick_claim": ("claim",)}
        ),
        # Takes a claim, is polled and calls as well; asks to be left alone with repeats.
        _profile(
            "polled",
            False,
            True,
            0.6,
            {"claim": {"role": "claim", "status": "status", "undo": "refund"}, "refund": undo},
            kinds={"quick_claim": ("claim",), "direct_pay": ("claim",)},
        ),
        # Can't be asked and must not be told twice: a lost answer is for a person.
        _profile("silent", False, False, 0.0, {"claim": {"role": "claim"}}, kinds={"direct_pay": ("claim",), "quick_claim": ("claim",)}),
    )
    return {one.manifest.insurer: one for one in found}
