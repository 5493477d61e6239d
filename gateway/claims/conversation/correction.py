"""Money corrections: one person proposes what becomes of a claim that waits for a person, another one approves it."""

from typing import Annotated, Any, Literal

import msgspec

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.item_correction import item_row, settle_item
from gateway.claims.conversation.releasing import release, require_stopped
from gateway.claims.conversation.resting import busy
from gateway.claims.conversation.states import ClaimEvent, ClaimState
from gateway.claims.custody.wish import sound_reason
from gateway.claims.evidence.bundle import claim_row
from gateway.claims.operators.roles import Operator, Role
from gateway.claims.work import Work
from gateway.kernel.errors import BadMoney, Conflict, NotFound
from gateway.kernel.ids import new_correction_id
from gateway.store.api import Row
from gateway.store.errors import StaleWrite

_OF_CLAIMS = ("decide", "close", "release")
_NO_STEP_LEFT = 10_000
"""Beyond every plan: the insurer hears nothing more about a claim that persons settled."""


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: Literal["decide", "close", "release", "undone", "give_up", "noted", "recover"]
    """Of a claim: ``decide``, the insurer pays ``approved_fen``, as the evidence says; ``close``, it ends without a decision;
    ``release``, it was stopped for its invoice and is claimed after all.
    Of an undo's leg: ``undone``, the money is back; ``give_up``, it stays where it is. Of an answer that differs:
    ``noted``, or ``recover``, the patient is asked for ``approved_fen`` that the insurer declined later.
    """
    evidence: str
    """Number of the letter, call or ticket that it rests on."""
    claim_id: str = ""
    item_id: str = ""
    """Of the work list, for what is no claim."""
    approved_fen: Annotated[int, msgspec.Meta(ge=0)] = 0


class Corrections:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = engine.ledger

    async def propose(self, who: Operator, wish: Proposal) -> Row:
        """Raises ``NotFound``, ``Conflict`` (``claim-not-manual``), ``BadMoney`` or ``RoleMissing``."""
        who.require(Role.RE_DRIVE)
        evidence = sound_reason(wish.evidence, "evidence:")
        claim = await self._ledger.read(self._subject, wish)
        row: Row = {
            "correction_id": new_correction_id(),
            "order_id": claim["order_id"],
            "claim_id": claim["claim_id"],
            "action": wish.action,
            "approved": wish.approved_fen,
            "evidence": evidence,
            "proposed_by": who.name,
            "proposed_with": who.proof,
            "proposed_at": self._engine.clock.epoch_ms(),
            "state": "proposed",
            "settled_by": "",
            "settled_at": 0,
        }
        work = self._ledger.work(claim["order_id"])
        work.unit.insert("correction", **row)
        work.audit("correction-proposed", who.signature, evidence, row["correction_id"])
        await work.flush()
        return row

    def _subject(self, wish: Proposal) -> Row:
        """Order and id of what the proposal is about."""
        if wish.action in _OF_CLAIMS:
            claim = claim_row(self._ledger, wish.claim_id)
            if wish.action == "release":
                require_stopped(claim)
            _require_manual(claim["state"])
            _require_amount(wish, claim["claimed"])
            return claim
        item = item_row(self._ledger, wish)
        _require_amount(wish, item["amount"] if wish.action == "recover" else 0)
        return {"order_id": item["order_id"], "claim_id": item["item_id"]}

    async def listed(self, state: str) -> list[Row]:
        return await self._ledger.read(self._ledger.store.find, "correction", {"state": state}, limit=200)

    async def withdraw(self, who: Operator, correction_id: str) -> Row:
        """By whoever may propose one."""
        who.require(Role.RE_DRIVE)
        row = await self._ledger.read(self._open, correction_id)
        work = self._ledger.work(row["order_id"])
        settled = self._settle(work, row, who, "withdrawn")
        await _flushed(work)
        return settled

    async def approve(self, who: Operator, correction_id: str) -> Row:
        """Carry it out and take the bill up again.

        Raises ``Conflict``: ``two-persons`` for whoever proposed it or shows the same token or certificate,
        ``claim-not-manual`` when the claim got its answer meanwhile, ``order-busy``.
        """
        who.require(Role.CONFIGURE)
        row = await self._ledger.read(self._open, correction_id)
        if who.name.casefold() == row["proposed_by"].casefold() or who.proof == row["proposed_with"]:
            raise Conflict(
                "a correction is approved by another person than who proposed it",
                code="two-persons",
                hint="Have a colleague approve it, with their own token or certificate.",
            )
        work = self._ledger.work(row["order_id"])
        settled = self._settle(work, row, who, "approved")
        if row["action"] in _OF_CLAIMS:
            bill, claim = await self._ledger.read(self._taken_up, row)
            self._apply(bill, claim, work, row)
            await _flushed(work, bill)
        else:
            if row["order_id"] in self._engine.running:
                raise busy()
            item_bill = await self._ledger.read(settle_item, self._ledger, row, work)
            await _flushed(work, item_bill)
        await self._engine.wake(row["order_id"])
        return settled

    def _open(self, correction_id: str) -> Row:
        row = self._ledger.store.get("correction", correction_id=correction_id)
        if row is None:
            raise NotFound("no such correction", code="correction-unknown")
        if row["state"] != "proposed":
            raise Conflict("this correction is settled", code="correction-settled", hint="Propose a new one.")
        return row

    def _taken_up(self, row: Row) -> tuple[Bill, ClaimRun]:
        if row["order_id"] in self._engine.running:
            raise busy()
        bill = self._ledger.load_bill(row["order_id"])
        assert bill is not None
        claim = next(claim for claim in bill.claims if claim.claim_id == row["claim_id"])
        _require_manual(claim.state)
        return bill, claim

    def _settle(self, work: Work, row: Row, who: Operator, state: str) -> Row:
        settled: dict[str, Any] = {"state": state, "settled_by": who.name, "settled_at": work.now()}
        key = {"correction_id": row["correction_id"]}
        work.unit.update("correction", key, expect={"state": "proposed"}, **settled)
        work.audit(f"correction-{state}", who.signature, row["evidence"], row["correction_id"])
        return row | settled

    def _apply(self, bill: Bill, claim: ClaimRun, work: Work, row: Row) -> None:
        decides, cause = row["action"] == "decide", f"correction:{row['correction_id']}"
        if row["action"] == "release":
            release(bill, work, cause)
            return
        claim.reason = "corrected-by-hand"
        claim.outcome = ("paid" if row["approved"] else "zero") if decides else "withdrawn"
        work.changed(bill, claim, "claim.approved", str(claim.approved), str(row["approved"]), cause)
        claim.approved, claim.step = row["approved"], _NO_STEP_LEFT
        work.move_claim(bill, claim, ClaimEvent.DECIDE if decides else ClaimEvent.CLOSE, cause)
        claim.next_at = work.now()  # should we die before the bill is taken up again, the timer does it
        self._engine.metrics.claim(claim.insurer, claim.kind, claim.outcome)


async def _flushed(work: Work, bill: Bill | None = None) -> None:
    try:
        await work.flush(bill)
    except StaleWrite:
        raise busy() from None


def _require_manual(state: str) -> None:
    if state != ClaimState.MANUAL:
        raise Conflict(
            "only a claim that waits for a person is corrected",
            code="claim-not-manual",
            hint="Look at the claim's state: an insurer's answer is never overwritten.",
        )


def _require_amount(wish: Proposal, claimed: int) -> None:
    if wish.approved_fen > (claimed if wish.action in ("decide", "recover") else 0):
        raise BadMoney("the amount is more than it can be", fields=("approved_fen",))
    if wish.action == "recover" and not wish.approved_fen:
        raise BadMoney("say how much the patient is asked for", fields=("approved_fen",))
