"""Takes up what was set aside or parked for a message that could not be made, once a person has mended the cause."""

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.plan import plan
from gateway.claims.conversation.resting import busy
from gateway.claims.conversation.states import ActState, ClaimEvent, ClaimState
from gateway.claims.worklist import close_item
from gateway.kernel.errors import Conflict
from gateway.store.api import Row
from gateway.store.claims_tables import DUE_NOW


async def redrive(engine: Engine, who: str, item: Row, reason: str) -> None:
    """``item``: a row of the work list, of kind ``claim`` or ``set-aside``.

    Raises ``Conflict`` (``nothing-to-redrive``, ``order-busy``) or ``StaleWrite``.
    """
    order_id = item["order_id"]
    if order_id in engine.running:
        raise busy()
    work = engine.ledger.work(order_id)
    work.audit("redriven", who, reason, item["item_id"])
    if item["kind"] == "set-aside":
        work.unit.delete("set_aside", {"order_id": order_id})
        work.unit.update("bill", {"order_id": order_id}, look_at=DUE_NOW)
        close_item(work.unit, item["item_id"])
        await work.flush()
        engine.aside.orders.discard(order_id)
    else:
        bill = await engine.ledger.read(engine.ledger.load_bill, order_id)
        assert bill is not None
        claim = next(one for one in bill.claims if one.claim_id == item["claim_id"])
        await _require_unsent(engine, bill, claim)
        claim.reason, claim.next_at = "", work.now()
        work.move_claim(bill, claim, ClaimEvent.SEND, "redriven")
        await work.flush(bill)
    await engine.wake(order_id)


async def _require_unsent(engine: Engine, bill: Bill, claim: ClaimRun) -> None:
    """Of its step nothing may have left us: what did is asked about, never sent anew."""
    partner = engine.registry.get(claim.insurer)
    steps = () if partner is None else plan(partner.manifest, bill.kind_of(claim), bill.submission)
    acts = await engine.ledger.read(engine.ledger.act_rows, claim.claim_id)
    sent = [act["name"] for act in acts if act["state"] != ActState.NOT_SENT]
    if claim.state is not ClaimState.MANUAL or claim.step >= len(steps) or steps[claim.step].act in sent:
        raise Conflict(
            "nothing of this claim waits to be sent",
            code="nothing-to-redrive",
            hint="What was sent is enquired about; what the insurer decided is accepted with evidence.",
        )
