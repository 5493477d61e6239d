"""Each hospital proves itself in its own way and sees its own bills only; patients' consent and order are kept."""

from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.house import Answer, House
from support.signed import HOSPITAL_THREE, HOSPITAL_TWO, signer_of


def _headers(house: House, hospital: str, bill: SampleBill) -> dict[str, str]:
    proof = signer_of(house.stage, hospital)("POST", "/v1/claims", "", bill.body, bill.key)
    return {"Idempotency-Key": bill.key, "Prefer": "wait=20", "Content-Type": "application/json", **proof}


async def _post(house: House, bill: SampleBill, headers: dict[str, str]) -> Answer:
    return await house.call("POST", "/v1/claims", bill.body, headers, proven=False)


async def _get(house: House, hospital: str, path: str) -> Answer:
    proof = signer_of(house.stage, hospital)("GET", path, "", b"", "")
    return await house.call("GET", path, headers=proof, proven=False)


@pytest.mark.parametrize("hospital", [HOSPITAL_TWO, HOSPITAL_THREE])
async def test_a_signed_request_is_good_once(house: House, hospital: str) -> None:
    bill = sample_bill("package", hospital=hospital)
    headers = _headers(house, hospital, bill)

    first = await _post(house, bill, headers)
    replayed = await _post(house, bill, headers)
    signed_anew = await _post(house, bill, _headers(house, hospital, bill))

    assert first.is_decided, first.body
    assert (replayed.status, replayed.code) == (401, "request-replayed")
    assert (signed_anew.status, signed_anew.body) == (200, first.body)


async def test_another_hospitals_order_is_as_unknown_as_no_order(house: House) -> None:
    bill = sample_bill("package")
    order_id = (await house.submit(bill)).document["order_id"]
    made_up = order_id[:-4] + ("0000" if order_id[-4:] != "0000" else "1111")

    others = await _get(house, HOSPITAL_TWO, f"/v1/orders/{order_id}")
    nobodys = await _get(house, HOSPITAL_TWO, f"/v1/orders/{made_up}")

    assert (others.status, others.code) == (404, "order-unknown")
    assert (others.status, others.body) == (nobodys.status, nobodys.body)
    assert others.headers.keys() == nobodys.headers.keys()


async def test_events_of_one_hospital_are_not_shown_to_another(house: House) -> None:
    order_id = (await house.submit(sample_bill("package"))).document["order_id"]

    theirs = await _get(house, HOSPITAL_THREE, "/v1/events")

    assert theirs.status == 200
    assert order_id.encode() not in theirs.body
    assert order_id in {event["order_id"] for event in await house.events()}


async def test_another_hospitals_visit_is_refused(house: House) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_TWO)

    answer = await house.submit(bill)

    assert (answer.status, answer.code) == (403, "hospital-mismatch")
    assert answer.document["fields"] == ["visit.hospital_code"]
    assert await house.settlements("package", bill) == []


async def test_a_stranger_is_told_nothing(house: House) -> None:
    bill = sample_bill("package")

    answer = await _post(house, bill, {"Idempotency-Key": bill.key})

    assert (answer.status, answer.code) == (401, "caller-unknown")


def _only_for_others(submission: dict[str, Any]) -> None:
    submission["consent"]["insurer_codes"] = ["hcx"]


async def test_without_consent_for_an_insurer_nothing_is_sent_to_it(house: House) -> None:
    bill = sample_bill("package", "hcx").changed(_only_for_others)
    before = len(await house.received("package"))

    answer = await house.submit(bill)
    package, hcx = answer.document["claims"]

    assert answer.is_decided
    assert (package["state"], package["outcome"]) == ("closed", "not_sent")
    assert (package["reason"], package["approved_fen"]) == ("consent-other-insurer", 0)
    assert hcx["outcome"] == "paid"
    assert len(await house.received("package")) == before


async def test_the_second_policy_sees_what_the_first_took(house: House) -> None:
    bill = sample_bill("package", "hcx")

    document = await house.settle(bill)
    first, second = document["claims"]
    cash = bill.submission["split"]["cash_pay"]

    assert first["claimed_fen"] == cash
    assert second["claimed_fen"] == cash - first["approved_fen"]
    assert 0 < second["approved_fen"] < first["approved_fen"]
    assert document["approved_fen"] == first["approved_fen"] + second["approved_fen"]
    assert document["self_pay_due_fen"] == cash - document["approved_fen"]
    for claim, code in ((first, "package"), (second, "hcx")):
        booked = await house.settlements(code, bill)
        assert [one["amount_fen"] for one in booked] == [claim["approved_fen"]]
