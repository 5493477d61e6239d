"""What a hospital brings after the submission: another policy order, more material, another account for the payout."""

import msgspec

from gateway.claims.amendments import MoreMaterial, NewAccount, amend
from gateway.claims.bill import Bill
from gateway.claims.canonical.claim import Attachment
from gateway.claims.canonical.cover import PayoutAccount
from gateway.claims.canonical.types import UNSET
from gateway.claims.conversation.confirming import flushed, taken_up
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.states import ClaimEvent, ClaimState
from gateway.kernel.errors import BadClaim, Conflict, NotFound


class PolicyOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /v1/claims/{order_id}/policy-order``: every claim that was not sent yet, in the order wished."""

    claims: tuple[str, ...]


class Documents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/claims/{order_id}/documents``."""

    claim_id: str
    attachments: tuple[Attachment, ...]


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /v1/claims/{order_id}/payout-account``."""

    payout_account: PayoutAccount


async def reorder(engine: Engine, order_id: str, wish: PolicyOrder) -> None:
    """Give the policies that were not sent another order among their places; the others stay (§3.9 E3).

    Raises ``Conflict`` (``policy-sent``, ``order-busy``).
    """
    bill, work = await taken_up(engine, order_id)
    unsent = {str(claim.claim_id): claim for claim in bill.claims if claim.state is ClaimState.CREATED}
    if set(wish.claims) != set(unsent) or len(wish.claims) != len(unsent):
        raise Conflict(
            "only policies that were not sent can change their order, and all of them are named",
            code="policy-sent",
            hint="Name each claim in state created once.",
        )
    places = [(claim.seq, claim.version) for claim in bill.claims if claim.state is ClaimState.CREATED]
    for claim_id, (seq, version) in zip(wish.claims, places, strict=True):
        claim = unsent[claim_id]
        if claim.seq == seq:
            continue
        work.changed(bill, claim, "claim.seq", str(claim.seq), str(seq), "patient-changed-order")
        claim.policy_no = claim.policy_no or claim.seq
        claim.seq, claim.version, claim.dirty = seq, version, True
    bill.claims.sort(key=lambda claim: claim.seq)
    await flushed(work, bill)


async def supply(engine: Engine, order_id: str, brought: Documents) -> None:
    """Hand material over that the insurer asked for; the case goes on. Raises ``Conflict`` (``no-material-asked``)."""
    if not brought.attachments:
        raise BadClaim("there is no document", fields=("attachments",))
    bill, work = await taken_up(engine, order_id)
    claim = next((claim for claim in bill.claims if claim.claim_id == brought.claim_id), None)
    if claim is None:
        raise NotFound("no such claim in this order", code="claim-unknown")
    if claim.state is not ClaimState.NEED_MORE:
        raise Conflict(
            "the insurer asks for no material", code="no-material-asked", hint="Wait until the claim is need_more."
        )
    amend(bill, work, MoreMaterial(brought.attachments), "material")
    work.move_claim(bill, claim, ClaimEvent.SUPPLY, "material")
    claim.next_at = work.now()  # should we die before the bill is taken up again, the timer does it
    await flushed(work, bill)
    await engine.wake(order_id)


async def rebind(engine: Engine, order_id: str, wish: Account) -> None:
    """Pay out to this account from now on; a payout that came back goes to it (§3.8 E1), also if it is the one from which
    it came back: the patient may have opened it again.
    """
    bill, work = await taken_up(engine, order_id)
    first = bill.submission.payout_account is UNSET
    if bill.submission.payout_account != wish.payout_account:
        amend(bill, work, NewAccount(wish.payout_account), "payout-account")
    work.outbox(bill, "decided" if first and _anything_due(bill) else "account")
    await flushed(work, bill)


def _anything_due(bill: Bill) -> bool:
    """Whether a payout is due that had no account so far."""
    return any(claim.approved and claim.kind != "direct_pay" for claim in bill.claims)
