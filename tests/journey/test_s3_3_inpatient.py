"""Direct-pay for inpatients (domain §3.3): a guarantee with its quota, and a decision within a minute at discharge."""

import json
import time
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.house import Answer, House


def at_discharge(*insurers: str, policy: str = "", **wish: Any) -> SampleBill:
    bill = sample_bill(*insurers, story="inpatient", policy=policy)
    return bill.changed(lambda submission: submission.update(counter=wish)) if wish else bill


async def granted(house: House, bill: SampleBill) -> dict[str, Any]:
    """Ask for a guarantee by the estimate; the decided order."""
    headers = {"Idempotency-Key": f"g-{bill.key}", "Prefer": "wait=20"}
    answer = await house.call("POST", "/v1/guarantees", bill.body, headers)
    assert answer.is_decided, answer.body
    return dict(answer.document)


async def act(house: House, order_id: str, what: str, **body: Any) -> Answer:
    content = json.dumps(body).encode() if body else b""
    return await house.call("POST", f"/v1/guarantees/{order_id}/{what}", content)


async def test_s3_3_a_guarantee_grants_a_quota_and_pays_nothing(house: House) -> None:
    bill = at_discharge("hcx")

    guarantee = await granted(house, bill)
    claim = guarantee["claims"][0]
    stands = await house.call("GET", f"/v1/guarantees/{guarantee['order_id']}")

    assert (guarantee["kind"], claim["outcome"]) == ("guarantee", "granted")
    assert stands.document["quota_fen"] == claim["approved_fen"] > 0
    assert stands.document["state"] == "granted"
    assert await house.settlements("hcx", bill) == []


async def test_s3_3_the_hospital_is_told_once_when_a_stay_passes_its_quota(house: House) -> None:
    order_id = (await granted(house, at_discharge("hcx")))["order_id"]
    quota = (await house.call("GET", f"/v1/guarantees/{order_id}")).document["quota_fen"]

    enough = await act(house, order_id, "projection", projected_fen=quota)
    short = await act(house, order_id, "projection", projected_fen=quota + 500)
    await act(house, order_id, "projection", projected_fen=quota + 700)
    events = [event["kind"] for event in await house.events() if event["order_id"] == order_id]

    assert (enough.document["state"], enough.document["deposit_fen"]) == ("granted", 0)
    assert (short.document["state"], short.document["deposit_fen"]) == ("short", 500)
    assert "押金" in short.document["message"]["zh"]
    assert events.count("guarantee-short") == 1


async def test_s3_3_e1_a_withdrawn_guarantee_leaves_the_stay_to_a_deposit(house: House) -> None:
    order_id = (await granted(house, at_discharge("hcx")))["order_id"]

    await act(house, order_id, "projection", projected_fen=100)
    withdrawn = await act(house, order_id, "withdrawal")

    assert (withdrawn.document["state"], withdrawn.document["quota_fen"]) == ("withdrawn", 0)
    assert withdrawn.document["deposit_fen"] == 100


async def test_s3_3_the_bill_at_discharge_carries_the_guarantees_number(house: House) -> None:
    stay = at_discharge("hcx")
    guarantee = await granted(house, stay)
    bill = stay.changed(lambda submission: submission.update(counter={"guarantee": guarantee["order_id"]}))

    document = await house.settle(bill)

    assert document["claims"][0]["outcome"] == "paid"
    assert document["approved_fen"] <= guarantee["claims"][0]["approved_fen"]


async def test_s3_3_another_patients_guarantee_is_refused(house: House) -> None:
    guarantee = await granted(house, at_discharge("hcx"))

    answer = await house.submit(at_discharge("hcx", guarantee=guarantee["order_id"]))

    assert (answer.status, answer.code) == (422, "guarantee-unknown")


async def test_s3_3_an_insurer_without_guarantees_is_not_asked(house: House) -> None:
    guarantee = await granted(house, at_discharge("package"))

    claim = guarantee["claims"][0]
    assert (claim["state"], claim["reason"]) == ("closed", "kind-not-offered")


async def test_s3_3_e3_a_fee_change_after_settling_reverses_both_legs_and_settles_again(house: House) -> None:
    """A line's price was wrong: insurer, then 医保, then cash give back, and the stay is settled with the right lines."""
    bill = at_discharge("package")
    order = await house.settle(bill)

    asked = (await house.undo(order["order_id"], f"undo-{bill.key}", reason="wrong-price")).document
    await house.undone(asked["undo_id"], "asked", leg="yibao", patience_s=40)
    await house.yibao(asked["undo_id"])
    done = await house.undone(asked["undo_id"], "done", patience_s=40)
    again = sample_bill("package", story="inpatient-long")
    settled = await house.settle(
        again.changed(lambda submission: submission.update(replaces=order["order_id"])), patience_s=40
    )

    assert [(leg["kind"], leg["state"]) for leg in done["legs"]] == [
        ("claim", "undone"),
        ("yibao", "undone"),
        ("cash", "undone"),
    ]
    assert [one["times_applied"] for one in await house.settlements("package", bill)] == [0]
    assert settled["claims"][0]["outcome"] == "paid"
    assert settled["approved_fen"] != order["approved_fen"]
    assert (await house.order(order["order_id"])).document["state"] == "replaced"


async def test_s3_3_e4_lines_that_are_not_insured_stay_in_the_bill(house: House) -> None:
    """The insurer's share leaves them out; no line is trimmed away."""
    bill = at_discharge("package")
    own_pay = sum(line["amount"] for line in bill.submission["lines"] if line.get("class_level") == "C")

    document = await house.settle(bill)

    assert own_pay > 0
    assert document["total_fen"] == bill.submission["split"]["total"]
    assert 0 < document["approved_fen"] <= bill.submission["split"]["cash_pay"] - own_pay


@pytest.mark.long
async def test_s3_3_an_insurer_that_thinks_15_seconds_decides_within_a_minute(house: House) -> None:
    await house.script("huiyibao", "4.2", "delay", seconds=15, times=2)
    began = time.monotonic()

    answer = await house.submit(at_discharge("huiyibao"), wait=60)

    assert answer.is_decided
    assert answer.document["claims"][0]["outcome"] == "paid"
    assert 15 < time.monotonic() - began < 60
