"""Rule 18: an invoice supports one bill per insurer of expenses. A second bill is stopped and a person decides.

The unique key of the table is the check, in the commit that takes the bill; of the invoice only an HMAC is kept.
"""

from gateway.claims.bill import Bill
from gateway.claims.work import Work

INVOICE_REASON = "invoice-used"


def free_unpaid(work: Work, bill: Bill) -> None:
    """Insurers that paid nothing, now that every claim at them has its final word."""
    unpaid = {claim.insurer for claim in bill.claims if not claim.fixed and not claim.approved}
    if unpaid:
        unpaid -= {claim.insurer for claim in bill.claims if claim.approved or not claim.final}
    if unpaid:
        work.free_invoice(bill, frozenset(unpaid))
