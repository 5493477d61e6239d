"""What the room's mappings once read: acts of bills that it keeps, for somebody who compares two versions of a mapping.

This opens patients' data, so that each bill is in the audit before it is opened; nothing is changed.
"""

from collections.abc import Iterator
from typing import Any

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ClaimView, Dispatch
from gateway.claims.canonical.types import UNSET
from gateway.claims.custody.wish import Wish, require_reason
from gateway.claims.ledger import Ledger, act_view
from gateway.claims.partners.dispatching import claim_dispatch
from gateway.kernel.errors import BadRequest
from gateway.store.api import Row
from gateway.store.errors import VaultRefused
from gateway.store.unit import Unit

MOST = 1000
"""So many acts are opened at most."""


async def recorded(ledger: Ledger, who: str, wish: Wish) -> dict[str, Any]:
    """The newest acts of one insurer as dispatches, newest first; ``erased`` are acts whose bill nobody can open any more.

    A dispatch is made from what the room holds now: what later answers gave (references, a quote) is in the earlier acts
    too. The lines are the whole bill's, whatever batch the act had; the target of an enquiry or an undo is not in it.
    """
    reason = require_reason(wish)
    if not wish.insurer or not 1 <= wish.most <= MOST:
        raise BadRequest(f"name an insurer and 1 to {MOST} acts", code="recorded-what", hint="--recorded and --most.")
    rows = await ledger.read(_newest, ledger, wish.insurer, wish.most)
    now, unit = ledger.clock.epoch_ms(), Unit()
    for order_id in dict.fromkeys(row["order_id"] for row in rows):
        told = {"at": now, "kind": "recorded-read", "who": who, "order_id": order_id, "reason": reason}
        unit.insert("audit", **told, detail=f"mapping:{wish.insurer}")
    await ledger.store.commit(unit)
    acts: list[dict[str, Any]] = []
    erased = 0
    for row in rows:
        try:
            acts.append(await ledger.read(_act, ledger, row))
        except VaultRefused:
            erased += 1
    return {"acts": acts, "erased": erased}


def _newest(ledger: Ledger, insurer: str, most: int) -> list[Row]:
    return ledger.store.find("act", {"insurer": insurer}, order_by="-prepared_at", limit=most)


def _act(ledger: Ledger, row: Row) -> dict[str, Any]:
    bill = ledger.load_bill(row["order_id"])
    if bill is None:
        raise VaultRefused("the bill of this act is gone", code="vault-erased")
    dispatch = next(_dispatches(bill, row))
    named = {name: row[name] for name in ("act_id", "claim_id", "name", "mapping", "mapping_version")}
    return {**named, "dispatch": dispatch}


def _dispatches(bill: Bill, row: Row) -> Iterator[Dispatch]:
    for claim in bill.claims:
        if claim.claim_id == row["claim_id"]:
            view = ClaimView(
                claim_id=claim.claim_id,
                kind=claim.kind,
                insurer_seq=bill.insurer_seq(claim),
                claimed=claim.claimed,
                prior_paid=bill.burden - bill.remaining_for(claim),
                quoted=UNSET if claim.quoted is None else claim.quoted,
                created_at=claim.created_at,
            )
            yield claim_dispatch(act_view(row), view, bill.submission, claim.policy, claim.refs)
