"""Which policies a patient has (§3.1, 6): asked of each insurer by its eligibility act, as an order of its own kind."""

import msgspec

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.dispatch import ActResult, PolicyFound
from gateway.claims.conversation.states import ClaimEvent
from gateway.claims.ledger import Ledger
from gateway.claims.work import Work

_KIND = "policies"


def listed(bill: Bill, claim: ClaimRun, work: Work, result: ActResult) -> None:
    """The insurer answered: what it listed is kept sealed, and the question has its final word."""
    work.keep(_record(claim.claim_id), _KIND, msgspec.json.encode(result.policies))
    claim.outcome, claim.next_at = "listed", 0
    work.move_claim(bill, claim, ClaimEvent.DECIDE, "listed")


def found(ledger: Ledger, order_id: str, claim_id: str) -> tuple[PolicyFound, ...]:
    """What the insurer listed. Asked inside ``read``. Raises ``VaultRefused``."""
    kept = ledger.store.get("vault", record_id=_record(claim_id))
    if kept is None:
        return ()
    plain = ledger.keys.of(order_id).open(_record(claim_id), kept["blob"], _KIND)
    return msgspec.json.decode(plain, type=tuple[PolicyFound, ...])


def _record(claim_id: str) -> str:
    return f"policies:{claim_id}"
