"""Recovery (差额追偿, §3.3 E2): an insurer declines later what it had advanced, and the patient owes it back.

Two persons begin it from the answer that differs. It is an order of its own: the patient is told, agrees, and only then is
anything collected. The bill and its decision stay as they are.
"""

from typing import Annotated

import msgspec

from gateway.claims.canonical.payment import CHANNEL
from gateway.claims.changes import Order
from gateway.claims.ledger import Ledger
from gateway.claims.work import Work
from gateway.kernel.errors import Conflict, NotFound
from gateway.kernel.ids import ID_PATTERN, new_recovery_id
from gateway.store.api import Row
from gateway.store.errors import StaleWrite

ASKED, AGREED = "asked", "agreed"


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/recoveries/{recovery_id}/agree``: the patient's consent, and how the patient pays."""

    proof_ref: Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
    """Where the hospital keeps the patient's consent to be charged."""
    payer_token: Annotated[str, msgspec.Meta(pattern=ID_PATTERN)] | msgspec.UnsetType = msgspec.UNSET
    channel: Annotated[str, msgspec.Meta(pattern=CHANNEL)] | msgspec.UnsetType = msgspec.UNSET


def ask_back(ledger: Ledger, correction: Row, work: Work) -> None:
    """Rows that begin the recovery which ``correction`` (approved, of an answer that differs) asks for, into ``work``.

    The commit is refused with ``StaleWrite`` when the item was settled meanwhile.
    """
    item = ledger.store.get("work_item", item_id=correction["claim_id"])
    bill = ledger.bill_row(correction["order_id"])
    if item is None or bill is None:
        raise Conflict("the item is settled", code="not-for-this-item", hint="Look at the work list again.")
    recovery_id = new_recovery_id()
    # Of two recoveries of one item that are approved in the same moment, the second finds its row gone.
    work.unit.update("work_item", {"item_id": item["item_id"]}, expect={"since": item["since"]}, why=item["why"])
    work.unit.insert(
        "recovery",
        recovery_id=recovery_id,
        order_id=bill["order_id"],
        claim_id=item["claim_id"],
        hospital=bill["hospital"],
        insurer=item["insurer"],
        state=ASKED,
        amount=correction["approved"],
        payer_token="",
        channel="",
        proof_ref="",
        created_at=work.now(),
        agreed_at=0,
    )
    order = Order(bill["order_id"], bill["hospital"])
    work.changed(order, None, "recovery", "", recovery_id, f"correction:{correction['correction_id']}")
    work.event(order, "recovery-asked")


def recovery_of(ledger: Ledger, hospital: str, recovery_id: str) -> Row:
    """Raises ``NotFound``, for another hospital's too."""
    row = ledger.store.get("recovery", recovery_id=recovery_id)
    if row is None or row["hospital"] != hospital:
        raise NotFound("no such recovery", code="recovery-unknown")
    return row


async def agree(ledger: Ledger, hospital: str, recovery_id: str, said: Agreement) -> Row:
    """The patient agreed: it is collected once. Saying it again changes nothing.

    Raises ``NotFound``, or ``Conflict`` (``recovery-agreed``) when another agreement stands.
    """
    row = await ledger.read(recovery_of, ledger, hospital, recovery_id)
    wish = {"proof_ref": said.proof_ref, "payer_token": said.payer_token or "", "channel": said.channel or ""}
    if row["state"] != ASKED:
        if any(row[name] != value for name, value in wish.items()):
            raise Conflict("another agreement stands", code="recovery-agreed", hint="Look at the recovery.")
        return row
    work = ledger.work()
    now = work.now()
    work.unit.update(
        "recovery", {"recovery_id": recovery_id}, expect={"state": ASKED}, state=AGREED, agreed_at=now, **wish
    )
    order = Order(recovery_id, hospital)
    work.changed(Order(row["order_id"], hospital), None, "recovery.state", ASKED, AGREED, "patient-agreed")
    work.outbox(order, "recovery")
    try:
        await work.flush()
    except StaleWrite:
        return await agree(ledger, hospital, recovery_id, said)
    return row | wish | {"state": AGREED, "agreed_at": now}
