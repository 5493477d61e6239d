"""Several gateways, one act, two answers at once: whoever commits looks afterwards what another was told, and notes other money.

A commit fences a bill's worker, not what a call of the insurer brings to another process. Both look after their commit, so
that whichever was last sees the other. Nothing of this is asked where one process has the database.
"""

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.changes import Order
from gateway.claims.conversation.otherword import MONEY, OtherWord, amount_told
from gateway.claims.conversation.states import ClaimState
from gateway.claims.ledger import Ledger
from gateway.claims.partners.registry import Registry
from gateway.telemetry.metrics import Metrics


async def compare_kept(ledger: Ledger, bill: Bill, metrics: Metrics) -> None:
    """Hold what enquiries found, and was committed, against what calls of the insurer brought to others meanwhile."""
    work = ledger.work()
    for claim, act_id in bill.asked_about:
        brought = await ledger.read(ledger.result_of, act_id)
        told = None if brought is None else amount_told(brought)
        if claim.state is ClaimState.DECIDED and told is not None and told != claim.approved:
            _word(bill, claim, act_id).differs(told, claim.approved, work, metrics)
    bill.asked_about.clear()
    await work.flush()


async def compare_outrun(ledger: Ledger, registry: Registry, bill: Bill, metrics: Metrics) -> None:
    """Our commit was refused, for another process took the bill over: what we were told is held against its word."""
    stored = {row["claim_id"]: row for row in await ledger.read(ledger.claim_rows, bill.order_id)}
    work = ledger.work()
    for claim in bill.claims:
        row, partner = stored.get(claim.claim_id), registry.get(claim.insurer)
        both = claim.state is ClaimState.DECIDED and row is not None and row["state"] == ClaimState.DECIDED
        if row is None or partner is None or not both or row["approved"] == claim.approved:
            continue
        acts = await ledger.read(ledger.act_rows, claim.claim_id)
        of_money = [act["act_id"] for act in acts if partner.manifest.rule(act["name"]).role in MONEY]
        _word(bill, claim, of_money[-1]).differs(claim.approved, row["approved"], work, metrics)
    await work.flush()


def _word(bill: Bill, claim: ClaimRun, act_id: str) -> OtherWord:
    return OtherWord(Order(bill.order_id, bill.hospital), claim.claim_id, act_id, claim.insurer)
