"""The 医保 leg (domain §3.11): the hospital makes its calls, and we keep their order: what is read, waited for and asked back."""

import json

import pytest
from support.bills import sample_bill
from support.house import House

from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.mobile import mobile_body
from gateway.sandbox.hospital.yibao import yibao_body


@pytest.mark.parametrize(("form", "body"), [("yibao-2207", yibao_body), ("yibao-6201", mobile_body)])
async def test_s3_11_a_settled_visit_is_read_from_the_national_messages_as_they_are(
    house: House, form: str, body: object
) -> None:
    """2204, 2207 and 4101 of the counter, 6201 and 6202 of the phone: the same bill, the same 分."""
    assert callable(body)
    plain, national = sample_bill("package"), sample_bill("package")
    headers = {"Idempotency-Key": national.key, "Prefer": "wait=25", "Content-Type": "application/json"}

    ours = await house.settle(plain)
    theirs = (await house.call("POST", f"/v1/claims/{form}", to_json(body(national.submission)), headers)).document

    amounts = ("total_fen", "approved_fen", "self_pay_due_fen")
    assert [theirs[name] for name in amounts] == [ours[name] for name in amounts]


async def test_s3_11_undoing_asks_for_2208_2305_or_2601_and_no_cash_goes_back_before(house: House) -> None:
    order = await house.settle(sample_bill("package", story="inpatient"))
    undo = (await house.undo(order["order_id"], f"u-{order['order_id'][-12:]}")).document

    asked = await house.undone(undo["undo_id"], "asked", leg="yibao", patience_s=30)
    leg = next(one for one in asked["legs"] if one["kind"] == "yibao")
    cash = next(one for one in asked["legs"] if one["kind"] == "cash")
    refused = await house.yibao(undo["undo_id"], "refused")
    stuck = await house.undone(undo["undo_id"], "stuck")
    undone = await house.yibao(undo["undo_id"])
    done = await house.undone(undo["undo_id"], "done", patience_s=30)

    assert all(number in leg["message"]["zh"] for number in ("2208", "2305", "2601"))
    assert (leg["amount_fen"], cash["state"]) == (526281 + 30000, "waiting")
    assert (refused.status, undone.status) == (200, 200)
    assert [one["state"] for one in stuck["legs"]] == ["undone", "refused", "waiting"]
    assert [one["state"] for one in done["legs"]] == ["undone", "undone", "undone"]


async def test_s3_11_a_lost_2207_is_asked_for_by_2601_before_the_commercial_share_is_settled(house: House) -> None:
    bill = sample_bill("package").changed(lambda submission: submission.update(counter={"confirm": True}))
    quoted = (await house.submit(bill)).document
    body = {"quotes": quoted["quote"]["quotes"], "yibao": "unknown"}

    answer = await house.call("POST", quoted["links"]["confirm"], json.dumps(body).encode())

    assert (answer.status, answer.code) == (409, "yibao-unknown")
    assert "2601 by the original msgid" in answer.document["hint"]
    assert await house.settlements("package", bill) == []
