"""Consent before anything leaves (domain §3.1): whose it is, whether it lives, and what an insurer may ask for."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.house import Answer, House
from support.unknownstage import Office

from gateway.sandbox.package import cipher

YESTERDAY = "2025-03-04T08:00:00+08:00"


def _other_person(consent: dict[str, Any]) -> None:
    consent["patient_id"] = "pat_other"


def _withdrawn(consent: dict[str, Any]) -> None:
    consent["withdrawn_at"] = YESTERDAY


def _ended(consent: dict[str, Any]) -> None:
    consent["valid_to"] = YESTERDAY


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(_other_person, "consent-other-patient", id="e1-identity-mismatch"),
        pytest.param(_ended, "consent-expired", id="e2-expired"),
        pytest.param(_withdrawn, "consent-withdrawn", id="e3-withdrawn"),
    ],
)
async def test_s3_1_without_a_live_consent_of_this_person_nothing_leaves(
    house: House, change: Any, reason: str
) -> None:
    bill = sample_bill("package").changed(lambda submission: change(submission["consent"]))
    before = await said_of_patients(house)

    answer = await house.submit(bill)
    claim = answer.document["claims"][0]

    assert answer.is_decided
    assert (claim["state"], claim["outcome"], claim["reason"]) == ("closed", "not_sent", reason)
    assert answer.document["self_pay_due_fen"] == bill.submission["split"]["cash_pay"]
    assert await said_of_patients(house) == before


async def said_of_patients(house: House) -> int:
    """Messages to the insurer that are about somebody: no token, no daily statement."""
    return sum(one["op"] not in ("token", "statement") for one in await house.received("package"))


async def test_s3_1_e3_a_withdrawn_consent_lets_no_quick_claim_follow_either(house: House) -> None:
    def change(submission: dict[str, Any]) -> None:
        submission["counter"] = {"quick_claim": True}
        _withdrawn(submission["consent"])

    answer = await house.submit(sample_bill("package").changed(change))

    assert [claim["reason"] for claim in answer.document["claims"]] == ["consent-withdrawn"]


async def test_s3_1_e2_a_bill_without_a_policy_is_no_claim(house: House) -> None:
    answer = await house.submit(sample_bill("package").changed(lambda submission: submission.update(policies=[])))

    assert (answer.status, answer.code) == (422, "schema-invalid")
    assert "policies" in answer.document["fields"][0]


def registration(bill: SampleBill, **more: Any) -> dict[str, Any]:
    return {"consent": bill.submission["consent"], "cert_no": bill.submission["patient"]["cert_no"]} | more


async def register(house: House, bill: SampleBill, **more: Any) -> Answer:
    return await house.call("POST", "/v1/consents", json.dumps(registration(bill, **more)).encode())


def path_of(bill: SampleBill) -> str:
    return f"/v1/consents/{bill.submission['consent']['consent_id']}"


async def test_s3_1_step_5_a_consent_is_registered_shown_and_the_same_again(house: House) -> None:
    bill = sample_bill("package", "hcx")

    first = await register(house, bill)
    again = await register(house, bill)
    other = bill.changed(lambda submission: submission["consent"].update(purposes=["claim"]))
    changed = await register(house, other)
    seen = (await house.call("GET", path_of(bill))).document

    assert (first.status, again.document) == (201, first.document)
    assert (changed.status, changed.code) == (409, "consent-exists")
    assert (seen["state"], seen["insurer_codes"]) == ("live", ["hcx", "package"])
    assert "grantor" not in seen
    assert (await house.call("GET", "/v1/consents/cns_none")).code == "consent-unknown"


async def test_s3_1_step_4_an_account_binds_five_patients_at_most(house: House) -> None:
    bills = [sample_bill("package") for _ in range(6)]
    holder = f"app-{bills[0].key}"

    bound = [await register(house, bill, holder=holder) for bill in bills]
    await house.call("POST", f"{path_of(bills[0])}/withdraw")
    freed = await register(house, bills[5], holder=holder)
    listed = (await house.call("GET", f"/v1/consents?holder={holder}")).document["consents"]

    assert [answer.status for answer in bound] == [201] * 5 + [409]
    assert bound[5].code == "family-full"
    assert freed.status == 201
    assert sorted(one["state"] for one in listed) == ["live"] * 5 + ["withdrawn"]


async def test_s3_1_step_6_insurers_list_the_patients_policies_and_nothing_is_claimed(house: House) -> None:
    """The synchronous insurer and the one that calls back; the patient sees them before anything is claimed."""
    bill = sample_bill("package", "hcx")
    headers = {"Idempotency-Key": f"p-{bill.key}", "Prefer": "wait=20"}

    asked = await house.call("POST", "/v1/policies", bill.body, headers)
    shown = (await house.call("GET", f"/v1/orders/{asked.document['order_id']}/policies")).document

    assert asked.is_decided, asked.body
    assert (asked.document["kind"], asked.document["approved_fen"]) == ("policies", 0)
    assert [claim["outcome"] for claim in asked.document["claims"]] == ["listed", "listed"]
    assert [one["insurer"] for one in shown["policies"]] == ["package", "hcx"]
    for one, policy in zip(shown["policies"], bill.submission["policies"], strict=True):
        assert policy["policy_no"] in [found["policy_no"] for found in one["listed"]]
        assert (one["policy_no"], one["residual_fen"]) == (policy["policy_no"], policy["residual"])
    assert shown["policies"][0]["listed"][0]["residual_fen"] > 0
    assert await house.settlements("package", bill) == []


async def test_s3_1_e2_a_consent_that_serves_no_policy_is_kept_until_it_ends(house: House) -> None:
    """The insurer knows no policy of the person: nothing is claimed, and the consent is not spent."""
    bill = sample_bill("package", policy="EXPIRED")
    await register(house, bill)
    headers = {"Idempotency-Key": f"p-{bill.key}", "Prefer": "wait=20"}

    asked = await house.call("POST", "/v1/policies", bill.body, headers)
    ended = bill.changed(
        lambda submission: submission["consent"].update(consent_id=f"old-{bill.key}", valid_to=YESTERDAY)
    )
    await register(house, ended)

    assert asked.document["claims"][0]["outcome"] == "refused"
    assert (await house.call("GET", path_of(bill))).document["state"] == "live"
    assert (await house.call("GET", path_of(ended))).document["state"] == "expired"


async def test_s3_1_e3_what_never_left_is_deleted_at_the_withdrawal(house: House) -> None:
    """The insurer offers no quick-claim, so nothing was sent: the bill's content goes, its row stays."""
    bill = sample_bill("huiyibao").changed(lambda submission: submission.update(kind="quick_claim"))
    await register(house, bill)
    decided = await house.settle(bill)

    await house.call("POST", f"{path_of(bill)}/withdraw")

    opened = await house.call("GET", f"/v1/orders/{decided['order_id']}/policies")
    assert decided["claims"][0]["reason"] == "kind-not-offered"
    assert opened.code == "vault-erased"
    assert (await house.order(decided["order_id"])).document == decided


async def test_s3_1_e3_a_withdrawal_blocks_new_sends_at_once(house: House) -> None:
    """The first insurer waits for material, the second was not sent: neither hears of the patient again."""
    bill = sample_bill("ant", "eclaimlink", policy="MATERIAL")
    await register(house, bill)
    order_id = (await house.submit(bill, wait=0)).document["order_id"]
    asked = await _until(house, order_id, 0, "need_more")

    withdrawn = await house.call("POST", f"{path_of(bill)}/withdraw")
    before = len(await house.received("ant")), len(await house.received("eclaimlink"))
    report = {"kind": "fee-list", "ref": "file:1", "sha256": "b" * 64}
    material = {"claim_id": asked["claim_id"], "attachments": [report]}
    await house.call("POST", f"/v1/claims/{order_id}/documents", json.dumps(material).encode(), {"Prefer": "wait=1"})
    other = bill.changed(lambda one: one["invoice"].update(bill_no=f"8{bill.key[-6:]}"), key=f"again-{bill.key}")
    fresh = (await house.submit(other)).document
    again = await house.call("POST", f"{path_of(bill)}/withdraw")

    assert (withdrawn.document["state"], again.body) == ("withdrawn", withdrawn.body)
    assert (fresh["claims"][0]["outcome"], fresh["claims"][0]["reason"]) == ("not_sent", "consent-withdrawn")
    assert (len(await house.received("ant")), len(await house.received("eclaimlink"))) == before
    events = [event["kind"] for event in await house.events() if event["order_id"] == withdrawn.document["consent_id"]]
    assert events == ["consent-registered", "consent-withdrawn"]


async def _until(house: House, order_id: str, place: int, state: str) -> dict[str, Any]:
    for _ in range(200):
        claim: dict[str, Any] = (await house.order(order_id)).document["claims"][place]
        if claim["state"] == state:
            return claim
        await asyncio.sleep(0.05)
    raise AssertionError(claim)


async def test_s3_1_e3_what_lies_open_at_an_insurer_is_taken_back_and_a_quote_is_not_settled(house: House) -> None:
    bill = sample_bill("package").changed(lambda submission: submission.update(counter={"confirm": True}))
    await register(house, bill)
    quoted = (await house.submit(bill)).document

    await house.call("POST", f"{path_of(bill)}/withdraw")
    body = json.dumps({"quotes": quoted["quote"]["quotes"]}).encode()
    answer = (await house.call("POST", quoted["links"]["confirm"], body)).document
    ended = answer if answer["state"] == "decided" else (await house.decided(quoted["order_id"])).document

    assert (ended["claims"][0]["state"], ended["claims"][0]["outcome"]) == ("closed", "reversed")
    assert ended["self_pay_due_fen"] == bill.submission["split"]["cash_pay"]
    assert [one for one in await house.settlements("package", bill) if one["times_applied"]] == []


async def test_s3_1_e3_insurers_that_have_data_are_told_and_what_they_decided_is_kept(clinic: House) -> None:
    """No act tells an insurer of a closed case, so the operators' list says that somebody must write."""
    bill = sample_bill("package", "hcx", policy="REFUSE")
    await register(clinic, bill)
    decided = await clinic.settle(bill)
    untouched = sample_bill("ant").changed(lambda submission: submission.update(consent=bill.submission["consent"]))

    await clinic.call("POST", f"{path_of(bill)}/withdraw")
    items = await Office(clinic).items(bill.submission["consent"]["consent_id"])

    assert sorted((one["kind"], one["insurer"], one["why"]) for one in items) == [
        ("consent", "hcx", "consent-withdrawn"),
        ("consent", "package", "consent-withdrawn"),
    ]
    assert untouched.submission["consent"] == bill.submission["consent"]
    assert (await clinic.order(decided["order_id"])).document == decided
    await Office(clinic).two_persons(items[0]["item_id"])
    assert len(await Office(clinic).items(bill.submission["consent"]["consent_id"])) == 1


SAMPLES = Path(__file__).parents[1] / "contract" / "samples" / "package"


async def test_s3_1_e4_an_insurer_that_asks_for_data_without_a_consent_is_refused_and_logged(house: House) -> None:
    """C210 asks for a person's visits; the audit and the log name the insurer and nothing about the person."""
    key = (house.stage.keys / "package-aes.secret").read_bytes()
    asked = json.loads((SAMPLES / "21_C210_request.json").read_bytes())
    asked["package"]["head"]["sendTradeNum"] = "20250305101010-000001-e4"
    body = cipher.encrypt(key, json.dumps(asked).encode())

    answer = await house.call("POST", "/partners/package/ins/user/getUserFile", body, door="partner")
    package = json.loads(cipher.decrypt(key, answer.body))["package"]
    lines = (house.stage.home / "gateway.log").read_text("utf-8").splitlines()
    logged = [json.loads(line) for line in lines if "data-request-refused" in line]

    assert (package["additionInfo"]["errorCode"], package["body"]) == ("1000403", [])
    assert {line["insurer"] for line in logged} == {"package"}
    assert all(asked["package"]["body"][0].get("name", "?") not in line for line in lines)
