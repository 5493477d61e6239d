"""When a direct-pay attempt is dead for certain, and the quick-claim that follows it under the same order.

An attempt is dead when no money moved at the insurer and none can: it was refused before its settling act, it was never
sent, its settling act is proven not to have happened, or it was undone. While an outcome is unknown it is not dead.
"""

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.types import UNSET, ClaimKind, ClaimWay
from gateway.claims.conversation.states import ClaimEvent, ClaimState
from gateway.claims.conversation.storing import was_never_asked
from gateway.claims.partners.partner import Partner
from gateway.claims.work import Work, moment
from gateway.kernel.ids import new_claim_id

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_KIND_DIRECT_PAY = ClaimKind.DIRECT_PAY
_WAY_DIRECT_PAY = ClaimWay.DIRECT_PAY
_QUICK_CLAIM = ClaimKind.QUICK_CLAIM
_CLOSED = ClaimState.CLOSED

TO_QUICK_CLAIM = "to_quick_claim"


def may_fall(bill: Bill, claim: ClaimRun, partner: Partner | None, default: bool) -> bool:
    """Whether hospital and patient, the policy and the insurer allow a quick-claim instead; ``default`` where unsaid."""
    if not bill.is_claim or claim.kind != _KIND_DIRECT_PAY or claim.policy.claim_way is _WAY_DIRECT_PAY:
        return False
    wish = bill.submission.counter
    allowed = default if wish is UNSET or wish.quick_claim is UNSET else wish.quick_claim
    return allowed and partner is not None and _QUICK_CLAIM in partner.manifest.kinds


def is_dead(claim: ClaimRun) -> bool:
    """Whether a claim with a final word ended without money and for good."""
    if claim.outcome == TO_QUICK_CLAIM:
        return claim.final
    if claim.state is _CLOSED:
        return claim.outcome == "reversed" or (was_never_asked(claim.reason) or claim.reason == "kind-not-offered")
    return claim.refused_early


def drop(bill: Bill, claim: ClaimRun, work: Work, reason: str, outcome: str = TO_QUICK_CLAIM) -> None:
    """End a direct-pay claim whose settling act never happened; ``not_sent`` where no quick-claim follows."""
    claim.reason, claim.outcome, claim.next_at = reason, outcome, 0
    work.move_claim(bill, claim, ClaimEvent.FALL, reason)


def fall(bill: Bill, claim: ClaimRun, work: Work) -> ClaimRun:
    """Register the quick-claim that follows ``claim``: a claim of its own, after all others, in the same commit."""
    follower = ClaimRun(
        new_claim_id(),
        bill.order_id,
        max(other.seq for other in bill.claims) + 1,
        claim.policy,
        _QUICK_CLAIM,
        moment(work.now()),
        policy_no=claim.policy_no or claim.seq,
    )
    bill.claims.append(follower)
    work.changed(bill, follower, "claim.state", "", follower.state, "quick-claim-follows")
    return follower
