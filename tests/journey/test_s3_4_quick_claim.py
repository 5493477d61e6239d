"""Quick-claim (domain §3.4): the patient has paid; what the insurer asks for, refuses or was told before."""

import asyncio
import json
import time
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.house import Answer, House
from support.unknownstage import Office

STORIES = {"hcx": "self-pay"}
REPORT = {"kind": "fee-list", "ref": "file:99990001", "sha256": "a" * 64}


async def send(house: House, method: str, order_id: str, what: str, body: dict[str, Any]) -> Answer:
    return await house.call(method, f"/v1/claims/{order_id}/{what}", json.dumps(body).encode())


async def until(house: House, order_id: str, state: str, patience_s: float = 20) -> dict[str, Any]:
    """The first claim, once it is in ``state``."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        claim: dict[str, Any] = (await house.order(order_id)).document["claims"][0]
        if claim["state"] == state:
            return claim
        await asyncio.sleep(0.05)
    raise AssertionError(claim)


def _as_quick_claim(submission: dict[str, Any]) -> None:
    submission["kind"] = "quick_claim"
    submission.pop("confirmation", None)


@pytest.mark.parametrize("insurer", ["ant", "hcx", "package"])
async def test_s3_4_e1_the_insurer_asks_for_material_and_the_same_case_goes_on(house: House, insurer: str) -> None:
    """By its own call, by the claim sent again, or by an act for material: one case, paid once."""
    bill = sample_bill(insurer, story=STORIES.get(insurer, ""), policy="MATERIAL").changed(_as_quick_claim)
    order_id = (await house.submit(bill, wait=0)).document["order_id"]

    asked = await until(house, order_id, "need_more")
    brought = await send(house, "POST", order_id, "documents", {"claim_id": asked["claim_id"], "attachments": [REPORT]})
    decided = (await house.decided(order_id)).document["claims"][0]
    booked = await house.settlements(insurer, bill)
    events = [event["kind"] for event in await house.events() if event["order_id"] == order_id]

    assert "补充材料" in asked["message"]["zh"]
    assert brought.status in (200, 202), brought.body
    assert decided["outcome"] == "paid"
    assert [one["times_applied"] for one in booked] == [1]
    assert events.index("more-material") < events.index("decided")


async def test_s3_4_e1_material_that_nobody_asked_for_is_refused(house: House) -> None:
    document = await house.settle(sample_bill("ant"))
    claim = document["claims"][0]["claim_id"]

    answer = await send(house, "POST", document["order_id"], "documents", {"claim_id": claim, "attachments": [REPORT]})

    assert (answer.status, answer.code) == (409, "no-material-asked")


async def test_s3_4_e2_after_a_refusal_the_next_policy_runs(house: House) -> None:
    bill = sample_bill("ant", "eclaimlink", policy="REFUSE")

    document = await house.settle(bill)
    first, second = document["claims"]

    assert (first["outcome"], first["approved_fen"]) == ("refused", 0)
    assert first["message"]["zh"]
    assert second["claimed_fen"] == bill.submission["split"]["cash_pay"]
    assert second["outcome"] == "paid"


def _with_invoice_of(other: SampleBill) -> Any:
    def change(submission: dict[str, Any]) -> None:
        submission["invoice"] = other.submission["invoice"] | {"amount": submission["invoice"]["amount"]}

    return change


async def test_s3_4_e3_an_invoice_that_supports_another_bill_is_stopped_for_a_person(house: House) -> None:
    first = sample_bill("ant")
    await house.settle(first)
    second = sample_bill("ant").changed(_with_invoice_of(first))
    elsewhere = sample_bill("eclaimlink").changed(_with_invoice_of(first))

    stopped = await house.submit(second)
    again = await house.submit(second)
    other_insurer = await house.settle(elsewhere)

    claim = stopped.document["claims"][0]
    assert stopped.status == 202
    assert (claim["state"], claim["reason"]) == ("manual", "invoice-used")
    assert await house.settlements("ant", second) == []
    assert again.document["order_id"] == stopped.document["order_id"]
    assert other_insurer["claims"][0]["outcome"] == "paid"


async def test_s3_4_e3_two_persons_let_a_stopped_bill_go_and_only_such_a_bill(clinic: House) -> None:
    """The first bill was the same visit's other half, say: two persons decide, and the insurer is asked after all."""
    first = sample_bill("ant")
    await clinic.settle(first)
    second = sample_bill("ant").changed(_with_invoice_of(first))
    stopped = (await clinic.submit(second)).document
    office, claim_id = Office(clinic), stopped["claims"][0]["claim_id"]
    may = (await office.items(stopped["order_id"]))[0]["may"]

    proposed = await office.ask("li.na", f"worklist/{claim_id}/release", {"evidence": "letter-2026-7"})
    path = f"corrections/{proposed.document['correction_id']}/approve"
    alone = await office.ask("li.na", path, method="POST")
    released = await office.ask("wang.wei", path, method="POST")
    decided = (await clinic.decided(stopped["order_id"])).document
    again = await office.ask("li.na", f"worklist/{claim_id}/release", {"evidence": "letter-2026-8"})
    story = (await office.ask("auditor", f"claims/{claim_id}")).document["changes"]

    assert "release" in may
    assert (alone.status, released.status) == (403, 200)
    assert decided["claims"][0]["outcome"] == "paid"
    assert [one["times_applied"] for one in await clinic.settlements("ant", second)] == [1]
    assert (again.status, again.code) == (409, "not-for-this-item")
    assert [one["new"] for one in story if one["cause"].startswith("correction:")] == ["created"]


async def test_s3_4_e3_an_invoice_whose_claim_was_refused_may_be_used_again(house: House) -> None:
    first = sample_bill("ant", policy="REFUSE")
    await house.settle(first)

    document = await house.settle(sample_bill("ant").changed(_with_invoice_of(first)))

    assert document["claims"][0]["outcome"] == "paid"


async def test_s3_4_e4_an_insurer_that_is_silent_is_shown_as_waiting(house: House) -> None:
    await house.script("ant", "notify", "delay", seconds=2)
    bill = sample_bill("ant")

    order_id = (await house.submit(bill, wait=0)).document["order_id"]
    waiting = await until(house, order_id, "accepted")
    decided = await house.decided(order_id)

    assert "等待结果" in waiting["message"]["zh"]
    assert waiting["outcome"] is None
    assert decided.document["claims"][0]["outcome"] == "paid"


async def test_s3_4_a_patient_names_the_account_afterwards_and_is_paid_there(house: House) -> None:
    def without_account(submission: dict[str, Any]) -> None:
        del submission["payout_account"]

    bill = sample_bill("ant").changed(without_account)
    document = await house.settle(bill)
    order_id = document["order_id"]
    account = {"account_token": "acct_new", "payee_name": "测试", "bank_code": "TESTBANK"}

    bound = await send(house, "PUT", order_id, "payout-account", {"payout_account": account})
    again = await send(house, "PUT", order_id, "payout-account", {"payout_account": account})
    events = await _events_until(house, order_id, "paid")

    assert (bound.status, again.status) == (200, 200)
    assert events.count("paid") == 1


async def test_s3_8_e1_an_account_named_again_after_the_payout_did_not_arrive_is_tried_again(house: House) -> None:
    account = {"account_token": "WRONG-7", "payee_name": "测试", "bank_code": "TESTBANK"}
    document = await house.settle(sample_bill("ant").changed(lambda bill: bill.update(payout_account=account)))
    order_id = document["order_id"]
    await _events_until(house, order_id, "payout-account")

    bound = await send(house, "PUT", order_id, "payout-account", {"payout_account": account})
    events = await _events_until(house, order_id, "payout-account", times=2)

    assert bound.status == 200
    assert "paid" not in events


async def _events_until(house: House, order_id: str, kind: str, patience_s: float = 20, *, times: int = 1) -> list[str]:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        kinds = [event["kind"] for event in await house.events() if event["order_id"] == order_id]
        if kinds.count(kind) >= times:
            return kinds
        await asyncio.sleep(0.1)
    raise AssertionError(kinds)


async def test_s3_4_hospitals_see_what_is_best_offered_now(house: House) -> None:
    answer = await house.call("GET", "/v1/offers")
    offers = {offer["insurer"]: offer for offer in answer.document["offers"]}

    assert offers["ant"]["advice"] == "quick_claim"
    assert offers["huiyibao"]["direct_pay"]
    assert all(offer["message"].keys() == {"zh", "en"} for offer in offers.values())
