"""Has an insurer asked at once about a claim that waits; nothing is ever sent again as new."""

from gateway.claims.conversation.budget import ENQUIRIES
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.resting import busy
from gateway.claims.conversation.states import ActState, ClaimEvent, ClaimState
from gateway.claims.evidence.bundle import claim_row
from gateway.claims.operators.roles import Operator, Role
from gateway.kernel.errors import Conflict
from gateway.store.api import Row
from gateway.store.errors import StaleWrite

_ASKABLE = (ClaimState.ACCEPTED, ClaimState.NEED_MORE, ClaimState.UNKNOWN, ClaimState.MANUAL)
_OPEN = (ActState.PREPARED, ActState.PENDING, ActState.UNKNOWN)


async def ask_again(engine: Engine, who: Operator, claim_id: str, reason: str) -> None:
    """Take the claim up now; one that waits for a person gets two more enquiries.

    Raises ``NotFound``, or ``Conflict`` (``nothing-to-ask``, ``order-busy``).
    """
    who.require(Role.RE_DRIVE)
    row = await engine.ledger.read(claim_row, engine.ledger, claim_id)
    act = await engine.ledger.read(_open_act, engine, row)
    if row["state"] not in _ASKABLE or act is None:
        raise Conflict(
            "nothing of this claim is open at the insurer",
            code="nothing-to-ask",
            hint="A claim that waits for a person without an open act is corrected, see docs/admin.md.",
        )
    if row["state"] == ClaimState.MANUAL and row["order_id"] in engine.running:
        raise busy()
    try:
        await _reopen(engine, who, row, act, reason)
    except StaleWrite:
        raise busy() from None
    await engine.wake(row["order_id"])


async def _reopen(engine: Engine, who: Operator, row: Row, act: Row, reason: str) -> None:
    work = engine.ledger.work(row["order_id"])
    work.audit("claim-asked-again", who.signature, reason, row["claim_id"])
    bill = (
        await engine.ledger.read(engine.ledger.load_bill, row["order_id"])
        if row["state"] == ClaimState.MANUAL
        else None
    )
    if bill is not None:
        claim = next(claim for claim in bill.claims if claim.claim_id == row["claim_id"])
        work.move_claim(bill, claim, ClaimEvent.LOSE, "asked-again")
        claim.reason, claim.next_at = "", work.now()
        attempts = min(act["attempts"], ENQUIRIES - 1)
        work.act_became(row["claim_id"], act["act_id"], ActState(act["state"]), act["outcome"], attempts=attempts)
    await work.flush(bill)


def _open_act(engine: Engine, row: Row) -> Row | None:
    """The newest act of the claim's conversation that has no answer; enquiries about acts are none."""
    partner = engine.registry.get(row["insurer"])
    if partner is None:
        return None
    acts = [act for act in engine.ledger.act_rows(row["claim_id"]) if act["state"] in _OPEN]
    mine = [act for act in acts if partner.manifest.rule(act["name"]).role not in ("status", "undo")]
    return mine[-1] if mine else None
