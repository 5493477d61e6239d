"""What an act's result means for its claim: pure, so that every branch is a unit test."""

from enum import StrEnum

import msgspec

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.plan import Step


class Verdict(StrEnum):
    GO_ON = "go_on"
    """The act is done; the next one may go."""
    WAIT = "wait"
    """Taken; the answer comes later."""
    ASK = "ask"
    """Outcome unknown: enquire."""
    GONE = "gone"
    """The partner says it never had the act."""
    DECIDED = "decided"
    PARK = "park"


class Judgement(msgspec.Struct, frozen=True):
    verdict: Verdict
    outcome: str = ""
    approved: int = 0
    reason: str = ""


def judge(step: Step, result: ActResult, claimed: int, quoted: int | None) -> Judgement:
    """Hold one result against the act's role and the money that may move.

    ``claimed`` is what the patient still bears (分): an insurer that approves more has misread the bill, so a person looks.
    """
    match result.state:
        case "pending" | "need_more":
            return Judgement(Verdict.WAIT)
        case "unknown":
            return Judgement(Verdict.ASK)
        case "not_found":
            return Judgement(Verdict.GONE)
        case "refused":
            if step.rule.role == "after":
                return Judgement(Verdict.GO_ON)
            return Judgement(Verdict.DECIDED, "refused", 0, result.peer_code)
    if step.rule.role == "quote":
        return _quote(result, claimed)
    if step.rule.role in ("settle", "claim"):
        return _decision(result, claimed, quoted)
    if step.rule.role == "guarantee":
        decision = _decision(result, claimed, None)
        return msgspec.structs.replace(decision, outcome="granted") if decision.approved else decision
    return Judgement(Verdict.GO_ON)


def _quote(result: ActResult, claimed: int) -> Judgement:
    if not isinstance(result.approved, int):
        return Judgement(Verdict.PARK, reason="quote-without-amount")
    if not 0 <= result.approved <= claimed:
        return Judgement(Verdict.PARK, reason="quote-out-of-bounds")
    if result.verdict == "to_quick_claim":
        return Judgement(Verdict.DECIDED, "to_quick_claim", 0, result.peer_code)
    if result.approved == 0:
        return Judgement(Verdict.DECIDED, "zero", 0, result.peer_code)
    return Judgement(Verdict.GO_ON, approved=result.approved)


def _decision(result: ActResult, claimed: int, quoted: int | None) -> Judgement:
    if result.verdict in ("refused", "withdrawn", "to_quick_claim"):
        return Judgement(Verdict.DECIDED, str(result.verdict), 0, result.peer_code)
    if not isinstance(result.approved, int):
        return Judgement(Verdict.PARK, reason="decision-without-amount")
    if not 0 <= result.approved <= claimed:
        return Judgement(Verdict.PARK, reason="decision-out-of-bounds")
    if quoted is not None and result.approved != quoted:
        return Judgement(Verdict.PARK, approved=result.approved, reason="settled-differs-from-quote")
    if result.approved == 0:
        return Judgement(Verdict.DECIDED, "zero", 0, result.peer_code)
    outcome = str(result.verdict) if isinstance(result.verdict, str) else "paid"
    return Judgement(Verdict.DECIDED, outcome, result.approved, result.peer_code)
