"""An undo to its end and in each of its troubles, with an insurer of the test's own."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.bills import sample_bill
from support.insurer_double import LOST, Parlour, parlour

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.undo.book import Undo
from gateway.kernel.errors import BadMoney, Conflict

REFUSED = ActResult(state="refused", peer_code="P2")
PAID_OUT = ActResult(state="refused", peer_code="P1")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    made = parlour(tmp_path / "claims.db")
    yield made
    await made.room.store.close()


async def undone(house: Parlour, bill: Bill) -> Undo:
    """Through all legs."""
    undo = await house.hospital_says(await house.undo(bill))
    return await house.window_says(undo)


async def test_every_leg_in_order_and_then_the_order_is_reversed(house: Parlour) -> None:
    bill = await house.decided()
    undo = await house.undo(bill)
    assert house.states(undo) == {"claim": "undone", "yibao": "asked", "cash": "waiting"}
    assert house.rows("outbox", kind="refund") == []

    undo = await house.hospital_says(undo)
    assert house.states(undo)["cash"] == "asked"
    assert [row["order_id"] for row in house.rows("outbox", kind="refund")] == [bill.order_id]

    undo = await house.window_says(undo)
    row = house.bill_row(bill)
    assert (undo.state, row["state"], row["undo_id"], row["look_at"]) == ("done", "reversed", None, None)
    assert [leg.amount for leg in undo.legs if leg.kind == "cash"] == [bill.self_pay_due]


async def test_money_is_conserved_over_the_legs(house: Parlour) -> None:
    bill = await house.decided()
    undo = await house.undo(bill)
    split = bill.submission.split

    assert sum(leg.amount for leg in undo.legs) == split.fund_total + split.account_pay + split.cash_pay


async def test_a_refused_leg_is_on_the_list_and_called_off_by_giving_it_up(house: Parlour) -> None:
    bill = await house.decided()
    house.insurer.answers["cancel"] = [REFUSED]
    undo = await house.undo(bill)
    items = house.rows("work_item")

    assert (undo.state, house.states(undo)) == ("stuck", {"claim": "refused", "yibao": "waiting", "cash": "waiting"})
    assert [(one["kind"], one["why"], one["amount"]) for one in items] == [("undo-leg", "wrong-order", 1000)]
    assert house.bill_row(bill)["state"] == "reversing"


async def test_what_is_paid_out_is_a_recovery(house: Parlour) -> None:
    bill = await house.decided()
    house.insurer.answers["cancel"] = [PAID_OUT]

    undo = await house.undo(bill)

    assert (undo.state, house.states(undo)["claim"]) == ("stuck", "recovery")
    assert [one["kind"] for one in house.rows("work_item")] == ["recovery"]


async def test_a_refused_refund_of_cash_is_stuck_and_the_window_may_still_give_it_back(house: Parlour) -> None:
    bill = await house.decided()
    undo = await house.hospital_says(await house.undo(bill))
    stuck = await house.window_says(undo, "manual")
    done = await house.hospital_says(stuck, kind="cash")

    assert (stuck.state, done.state) == ("stuck", "done")
    assert house.rows("work_item") == []
    assert house.bill_row(bill)["state"] == "reversed"


async def test_a_lost_undo_is_asked_about_and_never_sent_under_two_ids(house: Parlour) -> None:
    bill = await house.decided()
    house.insurer.answers["cancel"] = [LOST]
    house.insurer.answers["status"] = [ActResult(state="not_found")]

    undo = await house.undo(bill)

    assert house.states(undo)["claim"] == "undone"
    assert house.insurer.times("cancel") == 2
    assert len(house.insurer.ids("cancel")) == 1
    assert next(leg.act_id for leg in undo.legs if leg.kind == "claim") in house.insurer.ids("cancel")


async def test_a_process_that_died_in_the_undo_goes_on_under_the_same_id(house: Parlour, tmp_path: Path) -> None:
    bill = await house.decided()

    def power_cut() -> ActResult:
        raise KeyError("cut")

    house.insurer.answers["cancel"] = [power_cut]
    undo = await house.undo(bill)
    assert house.states(undo)["claim"] == "asked"

    again = parlour(tmp_path, house.insurer, house.room)
    house.insurer.answers["status"] = [ActResult(state="accepted")]
    await again.engine.look(bill.order_id)
    undo = await again.rest(undo.undo_id)

    assert house.states(undo)["claim"] == "undone"
    assert house.insurer.times("cancel") == 1


async def test_an_approval_after_the_reversal_is_taken_back_once(house: Parlour) -> None:
    bill = await house.decided()
    await undone(house, bill)
    approval = ActResult(state="accepted", verdict="paid", approved=1000)

    await house.told_late(bill, approval)
    await house.told_late(bill, approval)

    counters = house.rows("undo", scope="counter")
    assert [row["state"] for row in counters] == ["done"]
    assert house.insurer.times("cancel") == 2, "once for the undo, once for the late approval"
    assert len(house.insurer.ids("cancel")) == 2
    assert house.bill_row(bill)["state"] == "reversed"
    assert [row["kind"] for row in house.rows("event")].count("answer-late") == 2
    assert [row["why"] for row in house.rows("work_item")] == ["approved-after-reversal"]


async def test_the_same_answer_again_is_evidence_and_nothing_else(house: Parlour) -> None:
    bill = await house.decided()

    await house.told_late(bill, ActResult(state="accepted", verdict="paid", approved=1000))

    assert house.rows("work_item") == []
    assert [row["cause"] for row in house.rows("change", field="act.evidence")] == ["late-or-repeated"]


async def test_a_part_that_only_the_patient_paid_goes_back_in_cash_and_the_order_stands(house: Parlour) -> None:
    bill = await only_cash(house)
    line = bill.submission.lines[0]
    half = {"refund_of": line.line_no, "qty": Decimal(-1) * line.qty, "amount": -line.amount}

    undo = await house.undo(bill, scope="part", lines=[half])
    assert house.states(undo) == {"claim": "nothing", "yibao": "nothing", "cash": "asked"}
    undo = await house.window_says(undo)

    assert (undo.state, undo.amount, house.bill_row(bill)["state"]) == ("done", line.amount, "decided")
    with pytest.raises(BadMoney) as refused:
        await house.undo(bill, scope="part", lines=[half])
    assert refused.value.error_code == "refund-beyond"
    whole = await house.undo(bill)
    assert [leg.amount for leg in whole.legs if leg.kind == "cash"] == [bill.self_pay_due - line.amount]


async def only_cash(house: Parlour) -> Bill:
    """A decided bill that 医保 and the insurer paid nothing of."""
    house.insurer.answers["settle"].append(ActResult(state="accepted", approved=0))
    wish = sample_bill("package", story="self-pay")
    return await house.bring(wish)


async def test_what_remains_is_settled_again_once_and_only_after_the_undo(house: Parlour) -> None:
    bill = await house.decided()
    replacing: dict[str, Any] = {"replaces": bill.order_id}

    with pytest.raises(Conflict) as early:
        await house.bring(sample_bill("package"), **replacing)
    await undone(house, bill)
    again = await house.bring(sample_bill("package"), **replacing)
    with pytest.raises(Conflict) as twice:
        await house.bring(sample_bill("package"), **replacing)

    assert {early.value.error_code, twice.value.error_code} == {"order-not-undone"}
    assert house.bill_row(bill)["state"] == "replaced"
    changes = house.rows("change", order_id=bill.order_id, field="bill.state")
    assert changes[-1]["cause"] == f"replaced-by:{again.order_id}"


async def test_an_order_without_a_final_word_is_reversed_before_the_insurer_answers(house: Parlour) -> None:
    house.insurer.answers["settle"] = [LOST]
    house.insurer.answers["status"] = [ActResult(state="unknown")]
    bill = await house.bring()
    assert house.rows("claim", order_id=bill.order_id)[0]["state"] == "manual"

    undo = await house.undo(bill)

    assert house.states(undo) == {"claim": "undone", "yibao": "asked", "cash": "waiting"}
    claim = house.rows("claim", order_id=bill.order_id)[0]
    assert (claim["state"], claim["outcome"]) == ("closed", "reversed")
    assert (house.rows("work_item"), house.rows("waiting"), house.rows("outbox")) == ([], [], [])
    undo = await house.hospital_says(undo)
    assert (undo.state, house.states(undo)["cash"]) == ("done", "nothing"), "no cash was ever asked for"


async def test_an_answer_that_comes_for_a_parked_claim_is_its_answer(house: Parlour) -> None:
    house.insurer.answers["settle"] = [LOST]
    house.insurer.answers["status"] = [ActResult(state="unknown")]
    bill = await house.bring()

    await house.told_late(bill, ActResult(state="accepted", verdict="paid", approved=700))

    claim = house.rows("claim", order_id=bill.order_id)[0]
    assert (claim["state"], claim["approved"]) == ("decided", 700)
    assert house.rows("work_item") == []
    assert house.bill_row(bill)["state"] == "decided"
