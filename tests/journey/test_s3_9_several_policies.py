"""Several policies (domain §3.9): the patient's order, one without a word, and benefits outside the cap."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from journey.test_s3_2_direct_pay import at_counter, confirm
from journey.test_s3_4_quick_claim import send, until
from support.bills import sample_bill
from support.house import House
from support.insurer_double import InsurerDouble, parlour

from gateway.claims.canonical.dispatch import ActResult


async def test_s3_9_the_second_policy_is_told_what_the_first_took(house: House) -> None:
    bill = sample_bill("package", "hcx")
    cash = bill.submission["split"]["cash_pay"]

    document = await house.settle(bill)
    first, second = document["claims"]

    assert (first["claimed_fen"], second["claimed_fen"]) == (cash, cash - first["approved_fen"])
    assert document["approved_fen"] + document["self_pay_due_fen"] == cash


@pytest.mark.parametrize("insurer", ["package", "hcx", "huiyibao"])
async def test_s3_9_two_policies_with_one_insurer_are_settled_each_on_its_own(house: House, insurer: str) -> None:
    bill = sample_bill(insurer, insurer)

    first, second = (await house.settle(bill))["claims"]

    assert (first["outcome"], second["outcome"]) == ("paid", "paid")
    assert second["claimed_fen"] == first["claimed_fen"] - first["approved_fen"]


async def test_s3_9_two_policies_with_one_insurer_are_confirmed_together(house: House) -> None:
    """Both trials come before both settlements."""
    bill = at_counter("package", "package", confirm=True)

    quoted = (await house.submit(bill)).document
    settled = await confirm(house, quoted)

    shown = [one["quoted_fen"] for one in quoted["quote"]["quotes"]]
    assert all(shown)
    assert [claim["approved_fen"] for claim in settled.document["claims"]] == shown


async def test_s3_9_a_lost_answer_about_one_of_two_policies_is_asked_about_under_its_own_number(house: House) -> None:
    bill = sample_bill("package", "package", policy="REFUSE")
    await house.script("package", "S291", "lose_answer")

    first, second = (await house.settle(bill))["claims"]

    assert (first["outcome"], second["outcome"]) == ("refused", "paid")


def _quickly(submission: dict[str, Any]) -> None:
    submission["kind"] = "quick_claim"


async def test_s3_9_two_policies_with_one_insurer_are_claimed_quickly_too(house: House) -> None:
    document = await house.settle(sample_bill("package", "package").changed(_quickly))

    assert [claim["outcome"] for claim in document["claims"]] == ["paid", "paid"]


def _fixed_first(submission: dict[str, Any]) -> None:
    submission["policies"][0] |= {"benefit_type": "fixed"}


async def test_s3_9_a_fixed_benefit_lowers_nothing_at_the_counter(house: House) -> None:
    """It is claimed after the counter, and the expense policy still sees the whole burden."""
    bill = sample_bill("hcx", "package").changed(_fixed_first)
    cash = bill.submission["split"]["cash_pay"]

    order_id = (await house.submit(bill)).document["order_id"]
    document = await _all_final(house, order_id)
    expense, fixed = document["claims"]

    assert (expense["insurer"], expense["kind"], expense["claimed_fen"]) == ("package", "direct_pay", cash)
    assert (fixed["insurer"], fixed["kind"], fixed["claimed_fen"]) == ("hcx", "quick_claim", cash)
    assert fixed["approved_fen"] > 0
    assert document["self_pay_due_fen"] == cash - expense["approved_fen"]


async def _all_final(house: House, order_id: str, looks: int = 200) -> dict[str, Any]:
    for _ in range(looks):
        document: dict[str, Any] = (await house.order(order_id)).document
        if all(claim["state"] in ("decided", "closed") for claim in document["claims"]):
            return document
        await asyncio.sleep(0.1)
    raise AssertionError(document)


def _may_follow(submission: dict[str, Any]) -> None:
    submission["counter"] = {"quick_claim": True}


async def test_s3_9_e1_a_decision_above_what_is_left_is_not_settled_and_a_person_looks(tmp_path: Path) -> None:
    """The second insurer's word is more than the first one left: no money of it is owed, collected or carried."""
    second = InsurerDouble("hcx")
    house = parlour(tmp_path / "claims.db", None, None, second)
    sample = sample_bill("package", "hcx")
    left = sample.submission["split"]["cash_pay"] - 1000
    house.insurer.answers["settle"].append(ActResult(state="accepted", verdict="paid", approved=1000))
    second.answers["settle"].append(ActResult(state="accepted", verdict="paid", approved=left + 1))

    bill = await house.bring(sample)

    rows = house.rows("claim", order_id=bill.order_id)
    assert [(row["state"], row["approved"]) for row in rows] == [("decided", 1000), ("manual", 0)]
    assert rows[1]["claimed"] == left
    assert house.rows("outbox") == [], "nothing is carried to the payment room"
    assert [row["claim_id"] for row in house.rows("work_item")] == [rows[1]["claim_id"]]
    await house.room.store.close()


async def test_s3_9_e1_e2_policies_after_one_that_a_person_looks_at_turn_into_quick_claims(house: House) -> None:
    """The first insurer settled another amount than it quoted: no later policy is sent before that is settled."""
    bill = sample_bill("hcx", "package", policy="DIFFER").changed(_may_follow)

    answer = await house.submit(bill)
    parked, second, follower = answer.document["claims"]

    assert (parked["state"], answer.document["state"]) == ("manual", "pending")
    assert (second["state"], second["outcome"], second["reason"]) == ("closed", "to_quick_claim", "earlier-policy-open")
    assert (follower["kind"], follower["insurer"], follower["state"]) == ("quick_claim", "package", "created")
    assert await house.settlements("package", bill) == []


@pytest.mark.long
async def test_s3_9_e2_policies_after_an_unknown_one_leave_it_at_the_deadline(house: House) -> None:
    """The first insurer's settlement is unknown for 20 s: the second waits, then turns into a quick-claim."""
    bill = sample_bill("package", "hcx").changed(_may_follow)
    await house.script("package", "S291", "lose_answer")
    await house.script("package", "S300", "error500", times=6)

    answer = await house.submit(bill)
    unknown, second, follower = answer.document["claims"]

    assert (unknown["state"], answer.document["state"]) == ("unknown", "pending")
    assert (second["state"], second["reason"]) == ("closed", "earlier-policy-open")
    assert (follower["kind"], follower["insurer"], follower["state"]) == ("quick_claim", "hcx", "created")

    document = await _all_final(house, answer.document["order_id"], 1200)
    first, _, last = document["claims"]
    assert first["outcome"] == "paid"
    assert last["claimed_fen"] == bill.submission["split"]["cash_pay"] - first["approved_fen"]
    assert last["outcome"] == "paid"


async def test_s3_9_e3_only_policies_that_were_not_sent_change_their_order(house: House) -> None:
    bill = sample_bill("ant", "eclaimlink", "hcx", policy="MATERIAL")
    order_id = (await house.submit(bill, wait=0)).document["order_id"]
    first = await until(house, order_id, "need_more")
    claims = (await house.order(order_id)).document["claims"]
    wished = [claims[2]["claim_id"], claims[1]["claim_id"]]

    sent_too = await send(house, "PUT", order_id, "policy-order", {"claims": [first["claim_id"], *wished]})
    moved = await send(house, "PUT", order_id, "policy-order", {"claims": wished})
    report = {"kind": "fee-list", "ref": "file:1", "sha256": "b" * 64}
    await send(house, "POST", order_id, "documents", {"claim_id": first["claim_id"], "attachments": [report]})
    document = await _all_final(house, order_id)

    assert (sent_too.status, sent_too.code) == (409, "policy-sent")
    assert [claim["insurer"] for claim in moved.document["claims"]] == ["ant", "hcx", "eclaimlink"]
    assert [claim["claim_id"] for claim in document["claims"]] == [first["claim_id"], *wished]
    amounts = [(claim["claimed_fen"], claim["approved_fen"]) for claim in document["claims"]]
    assert amounts[1][0] == amounts[0][0] - amounts[0][1]
    assert amounts[2][0] == amounts[1][0] - amounts[1][1]


async def test_s3_9_e4_when_an_earlier_insurer_takes_its_word_back_later_decisions_are_marked_and_stand(
    tmp_path: Path,
) -> None:
    """The first insurer paid 1,000 and says 0 a day later: the second one's decision rested on it, and nobody changes it."""
    second = InsurerDouble("hcx")
    house = parlour(tmp_path / "claims.db", None, None, second)
    for insurer, approved in ((house.insurer, 1000), (second, 700)):
        insurer.answers["settle"].append(ActResult(state="accepted", verdict="paid", approved=approved))
    bill = await house.bring(sample_bill("package", "hcx"))

    await house.told_late(bill, ActResult(state="refused", peer_code="P2"))

    marked = house.rows("change", field="claim.run-again")
    assert [(row["claim_id"], row["new"]) for row in marked] == [(bill.claims[1].claim_id, "advised")]
    assert [row["kind"] for row in house.rows("event")] == ["decided", "money-differs", "claim-run-again"]
    assert [row["approved"] for row in house.rows("claim", order_id=bill.order_id)] == [1000, 700]
    assert [row["why"] for row in house.rows("work_item")] == ["answer-differs"]
    await house.room.store.close()
