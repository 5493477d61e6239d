"""Insurers of every character that a partner folder can describe: how they are spoken to, and what they do with a repeat."""

from dataclasses import dataclass
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
    asks_more: float
    """How often more material is asked for before the decision."""


def _profile(
    code: str,
    acts: dict[str, Any],
    *,
    knows_repeats: bool = False,
    calls: bool = False,
    says_pending: float = 0.0,
    asks_more: float = 0.0,
    **more: Any,
) -> Profile:
    status = {"status": {"role": "status", "timeout": "3s"}}
    timed = {name: {"timeout": "3s"} | rule for name, rule in acts.items()}
    told = _COMMON | {"insurer": code, "acts": timed | status} | more
    return Profile(msgspec.convert(told, Manifest), knows_repeats, calls, says_pending, asks_more)


_SETTLE = {"role": "settle", "status": "status", "undo": "refund"}
_UNDO = {"role": "undo", "status": "status"}
_ALL = (
    # Speaks in many steps, repeats are one message, settlement is asked after (as huiyibao).
    _profile(
        "steps",
        {
            "open": {"retry": "same_id"},
            "quote": {"role": "quote", "retry": "same_id", "undo": "cancel"},
            "settle": _SETTLE,
            "push": {"role": "after", "retry": "same_id"},
            "cancel": _UNDO,
            "refund": _UNDO,
        },
        kinds={"direct_pay": ("open", "quote", "settle", "push")},
    ),
    # One settling act that must never go twice; unknown ones are reversed.
    _profile(
        "reverser",
        {"settle": _SETTLE, "refund": _UNDO},
        calls=True,
        says_pending=0.2,
        kinds={"direct_pay": ("settle",), "quick_claim": ("settle",)},
        on_unknown="reverse",
    ),
    # A quote stands by contract when the settlement's answer is lost for good.
    _profile(
        "acceptor",
        {"quote": {"role": "quote", "status": "status"}, "settle": _SETTLE, "refund": _UNDO},
        kinds={"direct_pay": ("quote", "settle")},
        on_unknown="accept",
    ),
    # Takes a claim and calls later; can't be asked, a repeat is the same message (as ant).
    _profile(
        "caller",
        {"claim": {"role": "claim", "retry": "same_id"}},
        knows_repeats=True,
        calls=True,
        says_pending=0.8,
        kinds={"quick_claim": ("claim",)},
    ),
    # Takes a claim, is polled and calls as well; asks to be left alone with repeats.
    _profile(
        "polled",
        {"claim": {"role": "claim", "status": "status", "undo": "refund"}, "refund": _UNDO},
        calls=True,
        says_pending=0.6,
        kinds={"quick_claim": ("claim",), "direct_pay": ("claim",)},
    ),
    # Asks for more material, is given it in an act of its own, and may ask again (as ant).
    _profile(
        "asker",
        {
            "claim": {"role": "claim", "status": "status", "undo": "refund"},
            "more": {"role": "material", "retry": "same_id"},
            "refund": _UNDO,
        },
        calls=True,
        says_pending=0.4,
        asks_more=0.7,
        kinds={"quick_claim": ("claim",)},
    ),
    # Asks for more material, and takes it with the claim itself, as another act of the same case; it knows its cases.
    _profile(
        "again",
        {"claim": {"role": "claim", "status": "status", "undo": "refund"}, "refund": _UNDO},
        calls=True,
        says_pending=0.2,
        asks_more=0.6,
        kinds={"quick_claim": ("claim",)},
    ),
    # Can't be asked and must not be told twice: a lost answer is for a person.
    _profile("silent", {"claim": {"role": "claim"}}, kinds={"direct_pay": ("claim",), "quick_claim": ("claim",)}),
)
PROFILES = {one.manifest.insurer: one for one in _ALL}
