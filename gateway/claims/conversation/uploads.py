"""Fee lines in batches: when one batch is refused, all of the visit are withdrawn and uploaded again, once (§3.2 E6)."""

from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.plan import Step
from gateway.kernel.errors import MessageRefused, NotSent


async def uploaded_again(courier: Courier, errand: Errand) -> bool:
    """Whether the claim goes back to its first batch, because the refused batch's sisters were withdrawn."""
    claim, step = errand.claim, errand.step
    if claim.withdrew or not step.rule.undo or step.batch_no == 1:
        return False
    claim.withdrew = True
    undo = Step(step.rule.undo, errand.partner.manifest.rule(step.rule.undo))
    withdrawal = Errand(errand.bill, claim, errand.partner, undo, errand.work, errand.budget)
    try:
        result = await courier.carry_out(withdrawal)
    except (NotSent, MessageRefused):
        return False
    if result is None or result.state != "accepted":
        return False
    errand.work.changed(
        errand.bill, claim, "claim.step", str(claim.step), str(claim.step - step.batch_no + 1), "batch-refused"
    )
    claim.step -= step.batch_no - 1
    claim.dirty = True
    return True
