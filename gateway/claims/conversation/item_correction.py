"""Corrections of what is no claim: a leg of an undo that persons settle, and an answer that differs and was looked at."""

from typing import Protocol

from gateway.claims.bill import Bill
from gateway.claims.conversation.states import ClaimEvent, ClaimState
from gateway.claims.ledger import Ledger
from gateway.claims.recoveries import ask_back
from gateway.claims.undo.book import UndoBook, read_undo
from gateway.claims.undo.states import LEG_MACHINE, LegEvent
from gateway.claims.undo.worker import close_reversed
from gateway.claims.work import Work
from gateway.claims.worklist import close_item
from gateway.kernel.errors import Conflict, NotFound
from gateway.store.api import Row

_EVENTS = {"undone": LegEvent.UNDO, "give_up": LegEvent.GIVE_UP}


class AboutItem(Protocol):
    @property
    def action(self) -> str: ...

    @property
    def item_id(self) -> str: ...


def item_row(ledger: Ledger, wish: AboutItem) -> Row:
    """Raises ``NotFound`` (``item-unknown``) or ``Conflict`` (``not-for-this-item``)."""
    row = ledger.store.get("work_item", item_id=wish.item_id)
    if row is None:
        raise NotFound("nothing on the work list has this id", code="item-unknown")
    about_answers = wish.action in ("noted", "recover")
    if row["kind"] == "claim" or about_answers != (row["kind"] in ("answer-differs", "consent")):
        raise Conflict(
            "this item can't be settled so", code="not-for-this-item", hint="See docs/admin.md, the work list."
        )
    return row


def settle_item(ledger: Ledger, row: Row, work: Work) -> Bill | None:
    """Carry an approved correction out, into ``work``; returns the bill that is to be committed with it.

    Raises ``Conflict`` where the item moved on meanwhile.
    """
    item_id, order_id = row["claim_id"], row["order_id"]
    if row["action"] in ("noted", "recover"):
        if row["action"] == "recover":
            ask_back(ledger, row, work)
        close_item(work.unit, item_id)
        return None
    undo_id, _, name = item_id.partition(":")
    undo, bill = read_undo(ledger.store, undo_id), ledger.load_bill(order_id)
    leg = next((leg for leg in undo.legs if leg.leg == name), None) if undo is not None else None
    event = _EVENTS[row["action"]]
    if undo is None or bill is None or leg is None or (leg.state, event) not in LEG_MACHINE.table:
        raise Conflict("the leg has moved on", code="not-for-this-item", hint="Look at the work list again.")
    book, cause = UndoBook(bill, undo, work), f"correction:{row['correction_id']}"
    book.move_leg(leg, event, cause)
    claim = book.claim(leg)
    if event is LegEvent.UNDO and claim is not None and not claim.final:
        if claim.state is not ClaimState.MANUAL:
            work.move_claim(bill, claim, ClaimEvent.REVERSE, cause)
        close_reversed(bill, claim, work, cause)
    bill.claims[0].next_at, bill.dirty = (
        work.now(),
        True,
    )  # should we die before the bill is taken up, the timer does it
    return bill
