"""Guarantee letters for inpatient stays (§3.3): a quota that an insurer grants, watched while the stay goes on.

A guarantee is a bill of its own kind, made from the estimate: the insurer's ``guarantee`` act answers with the quota.
"""

from typing import Any

import msgspec

from gateway.claims.bill import Bill
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.states import ClaimState
from gateway.claims.ledger import Ledger
from gateway.kernel.errors import BadClaim, BadMoney, Conflict, NotFound
from gateway.kernel.ids import HospitalCode, new_event_id
from gateway.store.api import Row

GRANTED, SHORT, WITHDRAWN = "granted", "short", "withdrawn"
_SAID = {
    GRANTED: ("担保额度足够", "The quota covers what is projected."),
    SHORT: (
        "预计商保金额超过担保额度：请申请追加额度，或收取押金",
        "The projected share passes the quota: ask the insurer for more, or collect a deposit.",
    ),
    WITHDRAWN: ("担保已撤回：请收取押金", "The guarantee was withdrawn: collect a deposit."),
}


class Projection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/guarantees/{order_id}/projection``: what the insurer will be asked for, as it stands (分)."""

    projected_fen: int


def granted(ledger: Ledger, hospital: HospitalCode, order_id: str) -> tuple[Row, Row | None]:
    """The guarantee's claim and what was noted about it. Raises ``NotFound`` or ``Conflict`` (``guarantee-open``)."""
    row = ledger.bill_row(order_id)
    if row is None or row["hospital"] != hospital or row["kind"] != "guarantee":
        raise NotFound("no such guarantee", code="guarantee-unknown")
    claim = ledger.claim_rows(order_id)[0]
    if claim["state"] != ClaimState.DECIDED or claim["approved"] == 0:
        raise Conflict(
            "the guarantee is not granted", code="guarantee-open", hint="Look at the order: it says how far it is."
        )
    return claim, ledger.store.get("guarantee", order_id=order_id)


def standing(order_id: str, claim: Row, noted: Row | None) -> dict[str, Any]:
    """How the guarantee stands, for the hospital's screen. Amounts in 分."""
    state, projected = (GRANTED, 0) if noted is None else (noted["state"], noted["projected"])
    zh, en = _SAID[state]
    quota = 0 if state == WITHDRAWN else claim["approved"]
    return {
        "order_id": order_id,
        "insurer": claim["insurer"],
        "state": state,
        "quota_fen": quota,
        "projected_fen": projected,
        "deposit_fen": max(0, projected - quota),
        "message": {"zh": zh, "en": en},
    }


async def look(engine: Engine, hospital: HospitalCode, order_id: str) -> dict[str, Any]:
    claim, noted = await engine.ledger.read(granted, engine.ledger, hospital, order_id)
    return standing(order_id, claim, noted)


async def project(engine: Engine, hospital: HospitalCode, order_id: str, wish: Projection) -> dict[str, Any]:
    """Hold what the stay will ask for against the quota; the hospital is told once when it passes it."""
    if wish.projected_fen < 0:
        raise BadMoney("an amount is negative", fields=("projected_fen",))
    claim, noted = await engine.ledger.read(granted, engine.ledger, hospital, order_id)
    state = SHORT if wish.projected_fen > claim["approved"] else GRANTED
    if noted is not None and noted["state"] == WITHDRAWN:
        state = WITHDRAWN
    return await _note(engine, hospital, claim, noted, state, wish.projected_fen)


async def withdraw(engine: Engine, hospital: HospitalCode, order_id: str) -> dict[str, Any]:
    """The insurer took the guarantee back (§3.3 E1): from now on the stay rests on a deposit."""
    claim, noted = await engine.ledger.read(granted, engine.ledger, hospital, order_id)
    return await _note(engine, hospital, claim, noted, WITHDRAWN, noted["projected"] if noted is not None else 0)


async def _note(
    engine: Engine, hospital: HospitalCode, claim: Row, noted: Row | None, state: str, projected: int
) -> dict[str, Any]:
    order_id, work = claim["order_id"], engine.ledger.work(claim["order_id"])
    now = work.now()
    row = {"order_id": order_id, "hospital": hospital, "state": state, "quota": claim["approved"]}
    row |= {"projected": projected, "at": now}
    work.unit.upsert("guarantee", **row)
    before = GRANTED if noted is None else noted["state"]
    if state not in (before, GRANTED):
        event = {"event_id": new_event_id(), "hospital": hospital, "order_id": order_id}
        work.unit.insert("event", **event, kind=f"guarantee-{state}", at=now)
    await work.flush()
    return standing(order_id, claim, row)


async def inherit(engine: Engine, bill: Bill) -> None:
    """A bill that names its stay's guarantee gets the insurer's numbers of it and its quota. Raises ``BadClaim``."""
    wish = bill.submission.counter
    order_id = wish.guarantee if wish else None
    if not isinstance(order_id, str):
        return
    try:
        claim, noted = await engine.ledger.read(granted, engine.ledger, HospitalCode(bill.hospital), order_id)
        given = await engine.ledger.read(engine.ledger.load_bill, order_id)
    except (NotFound, Conflict) as bad:
        raise BadClaim(
            "the guarantee named is not one of this hospital's", code=bad.error_code, fields=("counter.guarantee",)
        ) from None
    assert given is not None
    if given.submission.patient.patient_id != bill.submission.patient.patient_id:
        raise BadClaim("the guarantee is another patient's", code="guarantee-unknown", fields=("counter.guarantee",))
    if noted is None or noted["state"] != WITHDRAWN:
        bill.guaranteed = {claim["insurer"]: (claim["approved"], dict(given.claims[0].refs))}
