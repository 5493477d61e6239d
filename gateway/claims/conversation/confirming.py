"""The patient's answer to the quotes: what was on the screen must be what is settled."""

from typing import Literal

import msgspec

from gateway.claims.amendments import Confirmed, amend
from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.cover import Confirmation
from gateway.claims.canonical.types import UNSET, UnsetType
from gateway.claims.conversation.counter import DIFFERS
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.resting import busy, rest
from gateway.claims.conversation.states import BillEvent, BillState, ClaimEvent, ClaimState
from gateway.claims.work import Work
from gateway.kernel.errors import Conflict
from gateway.store.errors import StaleWrite


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One policy's quote as it stood on the screen."""

    claim_id: str
    quoted_fen: int


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/claims/{order_id}/confirm``."""

    quotes: tuple[Shown, ...]
    agreed: bool = True
    confirmation: Confirmation | UnsetType = UNSET
    yibao: Literal["settled", "unknown", "reversed"] | UnsetType = UNSET
    """What became of the hospital's 2207 or 2304 that belongs before the commercial settlement (§3.2 E2)."""


async def answer_quotes(engine: Engine, order_id: str, answer: Answer) -> None:
    """Settle what was shown, or end it. The same answer again changes nothing.

    Raises ``Conflict``: ``quote-stale`` (another quote stands now), ``quote-expired``, ``not-quoted``, ``order-busy``,
    ``yibao-unknown`` (nothing is settled while 医保 is unknown; the quotes stand).
    """
    bill, work = await taken_up(engine, order_id)
    if not bill.asks:
        raise Conflict("this bill has no quotes to confirm", code="not-quoted", hint="Submit with counter.confirm.")
    shown = {one.claim_id: one.quoted_fen for one in answer.quotes}
    if bill.state is not BillState.QUOTED:
        _require_same(bill, shown)
        return
    quoted = [claim for claim in bill.claims if claim.state is ClaimState.QUOTED]
    if bill.quoted_until <= work.now():
        raise _expired()
    if shown != {claim.claim_id: claim.quoted or 0 for claim in quoted}:
        raise _stale()
    if answer.yibao == "unknown":
        await _wait_for_yibao(bill, work)
    if answer.agreed and answer.yibao != "reversed":
        _agree(engine, bill, quoted, work, answer)
    else:
        engine.counter.decline(bill, work, "quote-declined" if not answer.agreed else "yibao-reversed")
        for claim in bill.claims:
            claim.next_at = work.now() if not claim.final else 0
    await flushed(work, bill)
    await engine.wake(order_id)


async def _wait_for_yibao(bill: Bill, work: Work) -> None:
    work.changed(bill, None, "yibao", "", "unknown", "hospital")
    await flushed(work, bill)
    raise Conflict(
        "医保 is not known to be settled",
        code="yibao-unknown",
        hint="Ask 2601 by the original msgid; confirm again once it is settled, or say that it was reversed.",
    )


def _agree(engine: Engine, bill: Bill, quoted: list[ClaimRun], work: Work, answer: Answer) -> None:
    if answer.confirmation is not UNSET:
        amend(bill, work, Confirmed(answer.confirmation), "patient-confirmed")
    work.move_bill(bill, BillEvent.GO_ON, "patient-confirmed")
    for claim in quoted:
        claim.next_at = work.now()  # should we die before the bill is taken up again, the timer does it
        if claim.reason != DIFFERS:
            work.move_claim(bill, claim, ClaimEvent.CONFIRM, "patient-confirmed")
            continue
        claim.approved, claim.outcome, claim.reason = claim.quoted or 0, "paid" if claim.quoted else "zero", ""
        claim.step += 1
        work.changed(bill, claim, "claim.approved", "0", str(claim.approved), "patient-confirmed")
        work.move_claim(bill, claim, ClaimEvent.DECIDE, "patient-confirmed")
        engine.counter.ended(bill, claim, work)


def _require_same(bill: Bill, shown: dict[str, int]) -> None:
    """An answer that was given before; raises ``Conflict`` when it was another one."""
    by_id: dict[str, ClaimRun] = {claim.claim_id: claim for claim in bill.claims}
    if any(one in by_id and by_id[one].reason == "quote-expired" for one in shown):
        raise _expired()
    if not shown or any(one not in by_id or by_id[one].quoted != fen for one, fen in shown.items()):
        raise _stale()


async def taken_up(engine: Engine, order_id: str) -> tuple[Bill, Work]:
    """A stored bill that nobody here works on, and rows to gather for it. Raises ``Conflict`` (``order-busy``)."""
    await rest(engine, order_id)
    bill = await engine.ledger.read(engine.ledger.load_bill, order_id)
    assert bill is not None
    work = engine.ledger.work(order_id)
    await work.safe.turn_to(order_id, engine.ledger.read)
    return bill, work


async def flushed(work: Work, bill: Bill) -> None:
    """Raises ``Conflict`` (``order-busy``) when somebody else changed the bill meanwhile."""
    try:
        await work.flush(bill)
    except StaleWrite:
        raise busy() from None


def _stale() -> Conflict:
    return Conflict(
        "these are not the quotes that stand now", code="quote-stale", hint="Show the order again and ask the patient."
    )


def _expired() -> Conflict:
    return Conflict("the quotes have expired", code="quote-expired", hint="Show the order: it says how it went on.")
