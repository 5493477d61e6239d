"""Lets a bill go that was stopped for its invoice (§3.4 E3), once two persons have found that it may be claimed."""

from gateway.claims.bill import Bill
from gateway.claims.conversation.invoices import INVOICE_REASON
from gateway.claims.conversation.states import ClaimEvent, ClaimState
from gateway.claims.work import Work
from gateway.kernel.errors import Conflict
from gateway.store.api import Row


def require_stopped(claim: Row) -> None:
    """Raises ``Conflict`` (``not-for-this-item``) unless the claim waits for a person because of its invoice."""
    if claim["state"] != ClaimState.MANUAL or claim["reason_code"] != INVOICE_REASON:
        raise Conflict(
            "this claim was not stopped for its invoice",
            code="not-for-this-item",
            hint="Only a bill whose invoice supports another one is released; see docs/admin.md.",
        )


def release(bill: Bill, work: Work, cause: str) -> None:
    """Every claim of the bill that was stopped begins as if it had just been brought. The invoice stays the other bill's."""
    for claim in bill.claims:
        if claim.state is ClaimState.MANUAL and claim.reason == INVOICE_REASON:
            claim.reason, claim.next_at = "", work.now()
            work.move_claim(bill, claim, ClaimEvent.RELEASE, cause)
