"""A claim as a row, when it is written first and whenever it changed."""

from gateway.claims.beside import columns_apart
from gateway.claims.bill import ClaimRun
from gateway.store.rows import ClaimRow
from gateway.store.tables import Value


def claim_row(claim: ClaimRun, created_at: int, now: int) -> ClaimRow:
    """Times in epoch ms."""
    return ClaimRow(
        claim_id=claim.claim_id,
        order_id=claim.order_id,
        seq=claim.seq,
        insurer=claim.insurer,
        kind=claim.kind,
        state=claim.state,
        outcome=claim.outcome,
        claimed=claim.claimed,
        approved=claim.approved,
        quoted=claim.quoted,
        step=claim.step,
        version=claim.version,
        reason_code=claim.reason,
        created_at=created_at,
        updated_at=now,
        policy=claim.policy_no or None,
        fixed=1 if claim.fixed else None,
    )


def claim_changes(claim: ClaimRun, now: int) -> dict[str, Value]:
    """Columns that a claim's next version may bring; ``now`` in epoch ms."""
    changes: dict[str, Value] = {
        "version": claim.version + 1,
        "state": claim.state,
        "outcome": claim.outcome,
        "claimed": claim.claimed,
        "approved": claim.approved,
        "quoted": claim.quoted,
        "step": claim.step,
        "reason_code": claim.reason,
        "updated_at": now,
    }
    if claim.policy_no:
        changes |= columns_apart(claim)
    return changes
