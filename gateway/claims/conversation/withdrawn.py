"""A claim under way whose consent was withdrawn (§3.1 E3): no further step, and the insurer is told by its own undo."""

from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.states import ActState, ClaimEvent
from gateway.claims.undo.reversal import Reverser
from gateway.claims.undo.worker import close_reversed, settle_claim

REASON = "consent-withdrawn"


async def withdrawn(reverser: Reverser, errand: Errand) -> bool:
    """True when the claim has its final word. What lies at the insurer is taken back; what never left is closed.

    A case that only the insurer can end is left to it: its word is waited for, and nothing more is sent.
    """
    bill, claim, work = errand.bill, errand.claim, errand.work
    way = await reverser.way(claim)
    if way is not None and way.target is None and way.money:
        return False
    work.move_claim(bill, claim, ClaimEvent.REVERSE, REASON)
    if way is None or way.target is None:
        sent = way is not None and any(act["state"] != ActState.NOT_SENT for act in way.acts)
        close_reversed(bill, claim, work, REASON)
        claim.outcome = "reversed" if sent else "not_sent"
        return True
    await work.flush(bill)
    settle_claim(bill, claim, work, await reverser.again(bill, claim, work, errand.budget))
    return claim.final
