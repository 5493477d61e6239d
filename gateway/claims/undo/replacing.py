"""A bill that stands in for one that was undone: what remains is settled again, once."""

from gateway.claims.bill import Bill
from gateway.claims.canonical.types import UNSET
from gateway.claims.changes import Order
from gateway.claims.conversation.states import BILL, BillEvent, BillState
from gateway.claims.ledger import Ledger
from gateway.claims.work import Work
from gateway.kernel.errors import BadClaim, Conflict


async def replace(ledger: Ledger, bill: Bill, work: Work) -> None:
    """Rows that put the new ``bill`` in the place of the one it names, to be committed with it.

    Raises ``BadClaim``, or ``Conflict`` (``order-not-undone``) when the old one still stands or was replaced before.
    """
    named = bill.submission.replaces
    if named is UNSET:
        return
    old = await ledger.read(ledger.bill_row, named)
    if old is None or old["hospital"] != bill.hospital:
        raise BadClaim("the order that this bill replaces is not known", code="order-unknown", fields=("replaces",))
    before = BillState(old["state"])
    if (before, BillEvent.REPLACE) not in BILL.table:
        raise Conflict(
            "the order that this bill replaces is not undone, or was replaced before",
            code="order-not-undone",
            hint="Undo it whole first (POST /v1/orders/{order_id}/undo) and wait for undo-done.",
            fields=("replaces",),
        )
    after = BILL.after(before, BillEvent.REPLACE)
    work.unit.update(
        "bill",
        {"order_id": named},
        expect={"version": old["version"]},
        version=old["version"] + 1,
        state=after.value,
        updated_at=work.now(),
    )
    work.changed(Order(named, bill.hospital), None, "bill.state", before, after, f"replaced-by:{bill.order_id}")
