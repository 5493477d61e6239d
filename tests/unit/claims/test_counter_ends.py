"""What the end of a counter's time does not end: other questions than claims, an undo, a later policy, what came afterwards."""

import asyncio
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from support.bills import sample_bill
from support.insurer_double import MANIFEST, InsurerDouble, Parlour, parlour
from support.patience import until

from gateway.claims.bill import Bill
from gateway.claims.canonical.claim import Attachment, Submission
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.bringing import Documents, supply
from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.conversation.confirming import Answer, Shown, answer_quotes
from gateway.claims.intake import canonical_bytes
from gateway.claims.partners.manifest import Manifest
from gateway.claims.partners.partner import Partner
from gateway.kernel.errors import NotNow, OutcomeUnknown

PENDING, OFFERED = ActResult(state="pending", correlation="c1"), ActResult(state="accepted", approved=900)
PAID = ActResult(state="accepted", verdict="paid", approved=900)
ACTS = MANIFEST["acts"] | {
    "check": {"retry": "same_id"},
    "offer": {"role": "quote", "retry": "same_id"},
    "grant": {"role": "guarantee"},
    "papers": {"role": "material", "retry": "same_id"},
}
QUOTING = MANIFEST | {"kinds": {"direct_pay": ["check", "offer", "settle"]}, "acts": ACTS, "enquiries": 9}


def house_of(home: Path, *others: InsurerDouble) -> Parlour:
    return parlour(home / "claims.db", InsurerDouble(manifest=msgspec.convert(QUOTING, Manifest)), None, *others)


def new_bill(house: Parlour, *insurers: str, **changed: Any) -> Bill:
    made = sample_bill(*insurers)
    submission = msgspec.convert(made.submission | changed, Submission, str_keys=True, strict=False)
    return house.engine.new_bill(submission, *canonical_bytes(submission)[:1], "H99990100001", made.key, "digest")


def a_day_later(house: Parlour, said: ActResult) -> Any:
    def answer() -> ActResult:
        house.room.clock.days += 1
        return said

    return answer


async def test_a_guarantee_that_is_granted_later_is_granted(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    house.insurer.answers["grant"] = [a_day_later(house, PENDING)]
    stay = new_bill(house, "package")
    stay.apart = "guarantee"

    await house.engine.start(stay)
    before = house.rows("claim")[0]["state"]
    await house.told_late(stay, PAID, "grant")

    assert before == "accepted"
    assert house.rows("claim")[0]["approved"] == 900


async def test_an_order_that_is_to_be_undone_is_not_decided_first(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    house.insurer.answers["check"] = [PENDING] * 9
    bill = new_bill(house, "package")
    task = house.engine.start(bill)
    await asyncio.sleep(0.2)
    task.cancel()
    house.room.clock.days += 1
    again = parlour(house.room.path, house.insurer, house.room)
    again.engine.resume(bill.order_id)
    await asyncio.sleep(0.2)

    undo = await again.undo(bill)

    assert [leg.amount for leg in undo.legs if leg.kind == "cash"] == [0], "nobody paid, so nothing is given back"
    assert "decided" not in [row["kind"] for row in house.rows("event")]
    assert house.rows("outbox") == []


async def test_a_later_policy_has_the_reserve_when_the_one_before_used_up_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"insurer": "ant", "kinds": {"direct_pay": ["offer", "settle"]}}
    ant = InsurerDouble(code="ant", manifest=msgspec.convert(QUOTING | kinds, Manifest))
    house, shift = house_of(tmp_path, ant), [0.0]
    clock = house.room.clock
    real = clock.monotonic
    monkeypatch.setattr(clock, "monotonic", lambda: real() + shift[0])

    def silent() -> ActResult:
        shift[0] += 17.2
        clock.days += 17.2 / 86_400
        raise OutcomeUnknown("lost", code="answer-broken")

    house.insurer.answers["check"] = [silent]
    ant.answers["offer"], ant.answers["settle"] = [PENDING], [PAID]
    bill = new_bill(house, "package", "ant")

    worker = house.engine.start(bill)
    await until(lambda: _pends(house))
    found = house.rows("act", name="offer")
    call = Callbacks(house.engine)
    await call.settle(cast(Partner, ant), found[0]["act_id"], OFFERED, b"call", house.engine.ledger.work())
    await worker

    assert [(row["insurer"], row["outcome"]) for row in house.rows("claim")] == [
        ("package", "not_sent"),
        ("ant", "paid"),
    ]


async def _pends(house: Parlour) -> bool:
    return [row["state"] for row in house.rows("act", name="offer")] == ["pending"]


async def test_whoever_brought_material_afterwards_stands_at_no_counter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.claims.conversation.budget.RESUMED_S", 0.3)
    house = house_of(tmp_path)
    house.insurer.answers["offer"] = [ActResult(state="need_more", correlation="c1"), *[PENDING] * 3]
    bill = new_bill(house, "package")
    await house.engine.start(bill)
    house.room.clock.days += 1

    paper = Attachment(kind="fee-list", ref="file:99990001", sha256="a" * 64)
    await supply(house.engine, bill.order_id, Documents(bill.claims[0].claim_id, (paper,)))
    await house.quiet()

    assert house.rows("claim")[0]["state"] == "accepted"


async def test_a_confirmed_claim_that_cannot_leave_is_seen_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_of(tmp_path)
    house.insurer.answers["offer"] = [OFFERED]
    bill = new_bill(house, "package", counter={"confirm": True})
    await house.engine.start(bill)

    def closed(*_: str) -> None:
        raise NotNow("down", code="insurer-down", opens_at=0, again_at=house.room.clock.epoch_ms() + 5000)

    monkeypatch.setattr(house.insurer, "admit", closed)
    shown = tuple(Shown(claim.claim_id, claim.quoted or 0) for claim in bill.claims)
    await answer_quotes(house.engine, bill.order_id, Answer(shown))
    await house.quiet()

    assert [row["state"] for row in house.rows("claim")] == ["confirmed"]
    assert [row["state"] for row in house.rows("waiting")] == ["confirmed"]
