"""Acts after a decision: an invoice that is pushed, an acceptance."""

from typing import TYPE_CHECKING

from gateway.claims.bill import Bill
from gateway.claims.conversation.budget import Budget
from gateway.claims.conversation.plan import plan
from gateway.claims.conversation.states import ClaimState
from gateway.claims.work import Work
from gateway.kernel.errors import MessageRefused, NotSent
from gateway.telemetry.logs import get_logger

if TYPE_CHECKING:
    from gateway.claims.conversation.engine import Engine

_log = get_logger("lianpei.conversation")


async def aftermath(engine: "Engine", bill: Bill, work: Work) -> None:
    """Acts after a decision (invoice push, acceptance): best effort, taken up again after a restart."""
    for claim in bill.claims:
        partner = engine.registry.get(claim.insurer)
        if claim.state is not ClaimState.DECIDED or claim.approved == 0 or partner is None:
            continue
        steps = plan(partner.manifest, bill.kind_of(claim), bill.submission)
        budget = Budget(engine.clock.monotonic() + 10.0, engine.clock)
        while claim.step < len(steps):
            errand = await engine.errand(bill, claim, partner, steps[claim.step], work, budget)
            try:
                await engine.courier.carry_out(errand)
            except (NotSent, MessageRefused) as bad:
                _log.event("after-act-failed", order_id=bill.order_id, insurer=claim.insurer, code=bad.error_code)
            claim.step += 1
            claim.dirty = True
        claim.next_at = 0
    await work.flush(bill)
