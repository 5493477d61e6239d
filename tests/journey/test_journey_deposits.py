"""Deposits and payments as a hospital meets them at its door, over the whole house."""

import asyncio
import json
import time
from typing import Any

from support.bills import SampleBill, sample_bill
from support.house import Answer, House

_JSON = {"Content-Type": "application/json"}


async def deposit(house: House, key: str, fen: int, **payment: Any) -> Answer:
    body = json.dumps({"amount_fen": fen, "payment": payment}).encode()
    return await house.call("POST", "/v1/deposits", body, _JSON | {"Idempotency-Key": key})


async def settled(house: House, path: str, patience_s: float = 20) -> dict[str, Any]:
    """Poll until no payment is on its way."""
    until = time.monotonic() + patience_s
    while True:
        view: dict[str, Any] = (await house.call("GET", path)).document
        states = [one["state"] for one in view["payments"]]
        if states and not set(states) & {"created", "ordered"}:
            return view
        assert time.monotonic() < until, view
        await asyncio.sleep(0.05)


def with_payment(bill: SampleBill, **payment: Any) -> SampleBill:
    return bill.changed(lambda body: body.update(order_kind="PRE_POST", payment=payment))


async def test_a_deposit_is_taken_the_bill_is_settled_against_it_and_the_rest_goes_back(house: House) -> None:
    bill = sample_bill("package")
    first = await deposit(house, f"dep-{bill.key}", 1_000_000)
    again = await deposit(house, f"dep-{bill.key}", 1_000_000)
    other = await deposit(house, f"dep-{bill.key}", 1)
    number = first.document["deposit_id"]
    taken = await settled(house, f"/v1/deposits/{number}")
    decided = await house.settle(with_payment(bill, deposits=[number]))
    due = decided["self_pay_due_fen"]
    until = time.monotonic() + 20
    while True:
        view = await settled(house, f"/v1/orders/{decided['order_id']}/payments")
        if len(view["payments"]) == 2 or time.monotonic() > until:
            break
    back = next(one for one in view["payments"] if one["kind"] == "back")
    leg = next(one for one in view["legs"] if one["leg"] == f"deposit:{number}")

    assert (first.status, again.document["deposit_id"], other.code) == (202, number, "idempotency-key-reused")
    assert taken["state"] == "paid"
    assert (back["amount_fen"], back["state"]) == (1_000_000 - due, "paid")
    assert (leg["amount_fen"], leg["refunded_fen"], leg["state"]) == (1_000_000, 1_000_000 - due, "part_refunded")
    assert view["order_kind"] == "PRE_POST"
    assert (await house.call("POST", f"/v1/deposits/{number}/refund", b"")).code == "deposit-used"


async def test_a_plain_bill_shows_its_payment_and_takes_no_second_one(house: House) -> None:
    decided = await house.settle(sample_bill("package"))
    path = f"/v1/orders/{decided['order_id']}"
    view = await settled(house, f"{path}/payments")
    tap = json.dumps({"channel": "deduct", "payer_token": "acct-9"}).encode()

    (paid,) = view["payments"]
    assert (paid["kind"], paid["amount_fen"], paid["state"]) == ("SELF_PAY", decided["self_pay_due_fen"], "paid")
    assert {one["leg"] for one in view["legs"]} >= {"commercial:1", "self_pay"}
    assert (await house.call("POST", f"{path}/pay", tap, _JSON)).code == "already-paid"
    assert (await house.call("POST", f"{path}/pay", b'{"channel": "J06.900"}', _JSON)).code == "payment-invalid"


async def test_the_patients_channel_collects_and_a_limit_is_said_with_its_reason(house: House) -> None:
    bill = with_payment(sample_bill("package"), channels=["deduct"], payer_token="acct-8", real_name=True)
    decided = await house.settle(bill)
    view = await settled(house, f"/v1/orders/{decided['order_id']}/payments")

    (counter,) = view["payments"]
    assert (counter["state"], counter["reason"]) == ("offline", "local-insured-only")
    assert counter["message"]["zh"]


async def test_another_hospitals_or_an_unknown_deposit_is_not_there(house: House) -> None:
    assert (await house.call("GET", "/v1/deposits/dep_none")).code == "deposit-unknown"
    assert (await house.call("POST", "/v1/deposits", b"{}", _JSON)).code == "idempotency-key-missing"
    assert (await deposit(house, "dep-bad", 0)).code == "payment-invalid"
