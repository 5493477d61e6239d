"""Why a claim is never sent: checked before anything leaves the house."""

from datetime import datetime

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.consent import consent_gap
from gateway.claims.conversation.plan import acts_of
from gateway.claims.partners.partner import Partner


def why_not(bill: Bill, claim: ClaimRun, partner: Partner | None, now: datetime) -> str:
    """The reason why this claim is never sent, or an empty text."""
    if partner is None:
        return "insurer-not-connected"
    if not acts_of(partner.manifest, bill.kind_of(claim)):
        return "kind-not-offered"
    if claim.claimed <= 0 and not claim.fixed and bill.apart != "policies":
        return "nothing-left-to-claim"
    submission = bill.submission
    return consent_gap(
        submission.consent,
        patient=submission.patient.patient_id,
        hospital=bill.hospital,
        insurer=claim.insurer,
        now=now,
    )
