"""The work list: everything that waits for a person, and the safe things that may be done about it."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from gateway.claims.conversation.correction import Corrections, Proposal
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.invoices import INVOICE_REASON
from gateway.claims.conversation.reasking import ask_again
from gateway.claims.conversation.redriving import redrive
from gateway.claims.conversation.resting import busy
from gateway.claims.conversation.states import ClaimEvent
from gateway.claims.operators.roles import Operator, Operators, Role
from gateway.claims.undo.book import UndoBook, read_undo
from gateway.claims.undo.states import LEG_MACHINE, LegEvent
from gateway.kernel.errors import BadRequest, Conflict, NotFound
from gateway.store.api import AnyStore, Row
from gateway.store.claims_tables import DUE_NOW
from gateway.store.errors import StaleWrite
from gateway.telemetry.metrics import Metrics

_PAGE = 100
_MAY = {
    "claim": ("enquire", "redrive", "reverse", "accept", "assign"),
    "set-aside": ("redrive", "assign"),
    "undo-leg": ("enquire", "accept", "assign"),
    "recovery": ("accept", "assign"),
    "answer-differs": ("accept", "recover", "assign"),
    "consent": ("accept", "assign"),
}
_SHOWN = ("item_id", "kind", "order_id", "claim_id", "insurer", "why", "owner")


class Assigned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    owner: str


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a claim: what the insurer pays. Of a leg: that the money is back (``undone``) or stays where it is (``give_up``)."""

    evidence: str
    approved_fen: int = 0
    leg: Literal["undone", "give_up"] = "undone"


@dataclass(slots=True)
class WorkDesk:
    engine: Engine
    corrections: Corrections
    operators: Operators

    def listed(self, who: Operator, insurer: str, owner: str, after: str) -> dict[str, Any]:
        """A page after the item ``after``. Amounts in 分, age in seconds; nothing about a person."""
        who.require(Role.VIEW)
        where = {name: value for name, value in (("insurer", insurer), ("owner", owner)) if value}
        store, now = self.engine.ledger.store, self.engine.clock.epoch_ms()
        rows = store.find("work_item", where, limit=_PAGE, after=(after,) if after else None)
        return {"items": [_line(row, now) for row in rows], "next": rows[-1]["item_id"] if len(rows) == _PAGE else ""}

    async def assign(self, who: Operator, item_id: str, owner: str) -> Row:
        """Hand it over: from now on it is ``owner``'s. Raises ``NotFound`` or ``BadRequest`` (``operator-unknown``)."""
        who.require(Role.RE_DRIVE)
        if owner not in self.operators.names:
            raise BadRequest("no operator has this name", code="owner-unknown", hint="Names are in the settings.")
        row = await self._item(item_id)
        work = self.engine.ledger.work(row["order_id"])
        work.unit.update("work_item", {"item_id": item_id}, owner=owner)
        work.audit("work-assigned", who.signature, owner, item_id)
        await _flushed(work.flush())
        return row | {"owner": owner}

    async def enquire(self, who: Operator, item_id: str, reason: str) -> None:
        """Ask the insurer about the claim, or ask again for the undo's leg.

        Raises ``Conflict`` (``nothing-to-ask``, ``order-busy``), ``NotFound`` or ``RoleMissing``.
        """
        who.require(Role.RE_DRIVE)
        row = await self._item(item_id)
        if row["kind"] == "claim":
            await ask_again(self.engine, who, row["claim_id"], reason)
        elif row["kind"] == "undo-leg":
            await self._ask_leg(who, row, reason)
        else:
            raise _not_here("enquire", row)

    async def redrive(self, who: Operator, item_id: str, reason: str) -> None:
        """Have it tried again once what was wrong is mended (docs/lanes.md)."""
        who.require(Role.RE_DRIVE)
        row = await self._item(item_id)
        if row["kind"] not in ("claim", "set-aside"):
            raise _not_here("redrive", row)
        await _flushed(redrive(self.engine, who.signature, row, reason))

    async def reverse(self, who: Operator, item_id: str, reason: str) -> None:
        """Have the insurer take back whatever the claim moved, under an act of its own; then the claim is closed."""
        who.require(Role.RE_DRIVE)
        row = await self._item(item_id)
        if row["kind"] != "claim":
            raise _not_here("reverse", row)
        bill = await self._bill(row)
        claim = next(claim for claim in bill.claims if claim.claim_id == row["claim_id"])
        if not await self.engine.undoing.reverser.can(claim):
            raise Conflict(
                "nothing of this claim can be undone by an act",
                code="no-undo-act",
                hint="Call the insurer, then accept or close it with evidence.",
            )
        work = self.engine.ledger.work(row["order_id"])
        work.move_claim(bill, claim, ClaimEvent.REVERSE, "by-hand")
        claim.next_at = work.now()
        work.audit("claim-reversed-by-hand", who.signature, reason, row["claim_id"])
        await _flushed(work.flush(bill))
        await self.engine.wake(row["order_id"])

    async def accept(self, who: Operator, wish: Proposal) -> Row:
        """A correction that a second person approves. Raises what ``Corrections.propose`` does."""
        return await self.corrections.propose(who, wish)

    async def _ask_leg(self, who: Operator, row: Row, reason: str) -> None:
        ledger, (undo_id, _, name) = self.engine.ledger, row["item_id"].partition(":")
        undo = await ledger.read(read_undo, ledger.store, undo_id)
        leg = next((leg for leg in undo.legs if leg.leg == name), None) if undo is not None else None
        if undo is None or leg is None or (leg.state, LegEvent.ASK) not in LEG_MACHINE.table:
            raise _not_here("enquire", row)
        bill = await self._bill(row)
        work = ledger.work(row["order_id"])
        UndoBook(bill, undo, work).move_leg(leg, LegEvent.ASK, "by-hand", "")
        if leg.kind == "cash":
            work.outbox(bill, "refund")
        work.audit("undo-asked-again", who.signature, reason, row["item_id"])
        work.unit.update("bill", {"order_id": row["order_id"]}, look_at=DUE_NOW)
        await _flushed(work.flush())
        await self.engine.wake(row["order_id"])

    async def _item(self, item_id: str) -> Row:
        row = await self.engine.ledger.read(self.engine.ledger.store.get, "work_item", item_id=item_id)
        if row is None:
            raise NotFound("nothing on the work list has this id", code="item-unknown")
        return row

    async def _bill(self, row: Row) -> Any:
        if row["order_id"] in self.engine.running:
            raise busy()
        bill = await self.engine.ledger.read(self.engine.ledger.load_bill, row["order_id"])
        assert bill is not None
        return bill


def tell_work(store: AnyStore, metrics: Metrics, codes: tuple[str, ...], now: int) -> None:
    """Count, amount and oldest age of what waits for a person, by insurer; asked when Prometheus asks."""
    found = store.tally("work_item", "insurer", {}, total="amount")
    for code in {*codes, *found}:
        tally = found.get(code)
        oldest = store.find("work_item", {"insurer": code}, order_by="since", limit=1) if tally else []
        age = (now - oldest[0]["since"]) / 1000 if oldest else 0.0
        metrics.work_items(code, tally.count if tally else 0, tally.total if tally else 0, age)


def _line(row: Row, now: int) -> dict[str, Any]:
    shown = {name: row[name] for name in _SHOWN}
    may = ("release", "accept", "assign") if row["why"] == INVOICE_REASON else _MAY[row["kind"]]
    return shown | {"amount_fen": row["amount"], "age_s": (now - row["since"]) // 1000, "may": may}


def _not_here(what: str, row: Row) -> Conflict:
    return Conflict(
        f"this item can't {what}", code="not-for-this-item", hint=f"It may: {', '.join(_MAY[row['kind']])}."
    )


async def _flushed(flush: Any) -> None:
    try:
        await flush
    except StaleWrite:
        raise busy() from None
