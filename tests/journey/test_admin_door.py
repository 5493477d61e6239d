"""The operators' door: roles, reasons, the audit, and money that takes two persons."""

import asyncio
import json
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.doorstage import OPERATORS, DoorStage, EvilInsurer
from support.hostile import require_refusal
from support.house import Answer, House
from support.middleman import Middleman

from gateway.sandbox.hospital.marks import planted
from gateway.store.claims_tables import CLAIMS
from gateway.store.snapshot import Snapshot

LETTER = "letter-2026-114"


async def ask(ward: House, who: str, path: str, body: Any = None, *, method: str = "", **headers: str) -> Answer:
    assert isinstance(ward.stage, DoorStage)
    named = {"Authorization": f"Bearer {ward.stage.tokens[who]}", **headers} if who else headers
    method = method or ("GET" if body is None else "POST")
    return await ward.call(method, f"/admin/{path}", json.dumps(body).encode() if body else b"", named, door="operator")


def audited(stage: DoorStage, order_id: str) -> list[dict[str, Any]]:
    snapshot = Snapshot(stage.home / "claims.db", CLAIMS)
    try:
        return [row for row in snapshot.find("audit", {}, limit=10_000) if row["order_id"] == order_id]
    finally:
        snapshot.close()


@pytest.fixture
async def waiting(narrow: DoorStage, ward: House, evil: EvilInsurer) -> tuple[SampleBill, dict[str, Any]]:
    """A bill whose insurer quoted more than was claimed, so that a person must look; and its claim."""
    evil.behave = Middleman(narrow, quoted="99999.00").behave
    bill = sample_bill("package", marks=True)
    answer = await ward.submit(bill)
    claim = answer.document["claims"][0]
    assert (claim["state"], claim["reason"]) == ("manual", "quote-out-of-bounds"), answer.body
    return bill, claim | {"order_id": answer.document["order_id"]}


def proposal(claim: dict[str, Any], fen: int, action: str = "decide") -> dict[str, Any]:
    return {"claim_id": claim["claim_id"], "action": action, "approved_fen": fen, "evidence": LETTER}


async def test_strangers_get_nothing_and_machines_their_probes(ward: House) -> None:
    for headers in ({}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": "Basic bGk6bGk="}):
        answer = await ask(ward, "", "claims?state=manual", **headers)
        require_refusal(answer, 401, "operator-unknown")
        assert answer.headers["www-authenticate"] == 'Bearer realm="lianpei"'
    assert (await ward.call("GET", "/metrics", door="operator")).status == 200


ROUTES: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "claims?state=manual", None, {"view"}),
    ("GET", "claims/{claim_id}", None, {"view"}),
    ("GET", "claims/{claim_id}/messages/1", None, {"view-body"}),
    ("POST", "claims/{claim_id}/enquire", {"reason": "case-1"}, {"re-drive"}),
    ("POST", "claims/{claim_id}/acts/change_visit", {"reason": "case-1"}, {"re-drive"}),
    ("GET", "corrections", None, {"view"}),
    ("POST", "corrections", "proposal", {"re-drive"}),
    ("POST", "corrections/cor_1/approve", None, {"configure"}),
    ("POST", "corrections/cor_1/withdraw", None, {"re-drive"}),
    ("GET", "weak-crypto", None, {"view"}),
]


@pytest.mark.parametrize(("method", "path", "body", "roles"), ROUTES)
async def test_every_route_asks_for_its_role(
    ward: House, waiting: tuple[SampleBill, dict[str, Any]], method: str, path: str, body: Any, roles: set[str]
) -> None:
    claim = waiting[1]
    told = proposal(claim, 1) if body == "proposal" else body
    for who, has in OPERATORS.items():
        if not roles & set(has):
            spelt = path.format(claim_id=claim["claim_id"])
            answer = await ask(ward, who, spelt, told, method=method, **{"X-Reason": "case-1"})
            require_refusal(answer, 403, "role-missing")


async def test_lists_and_stories_name_nobody(
    narrow: DoorStage, ward: House, waiting: tuple[SampleBill, dict[str, Any]]
) -> None:
    bill, claim = waiting
    listed = await ask(ward, "auditor", "claims?state=manual&insurer=package")
    story = await ask(ward, "auditor", f"claims/{claim['claim_id']}")

    line = next(one for one in listed.document["claims"] if one["claim_id"] == claim["claim_id"])
    assert (line["amount_fen"], line["reason_code"]) == (claim["claimed_fen"], "quote-out-of-bounds")
    assert 0 <= line["age_s"] < 60
    assert {"act.evidence", "claim.state"} & {change["field"] for change in story.document["changes"]}
    assert {act["name"] for act in story.document["acts"]} >= {"eligibility", "quote"}
    assert {message["direction"] for message in story.document["messages"]} == {"submission", "out", "in"}
    for mark in planted(bill.submission):
        assert mark.encode() not in listed.body + story.body


async def test_a_message_is_opened_for_a_reason_that_is_in_the_audit_first(
    narrow: DoorStage, ward: House, waiting: tuple[SampleBill, dict[str, Any]]
) -> None:
    bill, claim = waiting
    story = (await ask(ward, "auditor", f"claims/{claim['claim_id']}")).document
    number = next(message["seq"] for message in story["messages"] if message["direction"] == "submission")
    path = f"claims/{claim['claim_id']}/messages/{number}"

    for reason in ("", "patient 13800138000", "case-13800138000", "a/b"):
        refused = await ask(ward, "reader", path, **({"X-Reason": reason} if reason else {}))
        require_refusal(refused, 400, "reason-needed")
    assert "message-opened" not in {row["kind"] for row in audited(narrow, claim["order_id"])}
    opened = await ask(ward, "reader", path, **{"X-Reason": "case-2026-114"})
    other = await ask(ward, "reader", f"claims/{claim['claim_id']}/messages/1", **{"X-Reason": "case-2026-114"})

    assert bill.submission["patient"]["name"] in opened.document["text"]
    read = [row for row in audited(narrow, claim["order_id"]) if row["kind"] == "message-opened"]
    assert (read[-1]["who"], read[-1]["reason"]) == ("operator:reader", "case-2026-114")
    assert read[-1]["detail"] == f"{claim['claim_id']}:{number}"
    require_refusal(other, 404, "message-unknown")


async def test_two_persons_correct_a_claim_and_the_bill_goes_on(
    narrow: DoorStage, ward: House, waiting: tuple[SampleBill, dict[str, Any]]
) -> None:
    _, claim = waiting
    fen = claim["claimed_fen"] - 100
    proposed = await ask(ward, "li.na", "corrections", proposal(claim, fen))
    path = f"corrections/{proposed.document['correction_id']}"
    assert proposed.status == 201
    assert "proposed_with" not in proposed.document
    assert (await ward.order(claim["order_id"])).document["claims"][0]["state"] == "manual"

    approved = await ask(ward, "wang.wei", f"{path}/approve", method="POST")
    view = (await ward.decided(claim["order_id"], 5)).document

    assert approved.document["settled_by"] == "wang.wei"
    assert (view["approved_fen"], view["claims"][0]["outcome"]) == (fen, "paid")
    assert view["claims"][0]["reason"] == "corrected-by-hand"
    kinds = {row["kind"]: row["who"] for row in audited(narrow, claim["order_id"])}
    assert kinds["correction-proposed"] == "operator:li.na"
    assert kinds["correction-approved"] == "operator:wang.wei"
    require_refusal(await ask(ward, "wang.wei", f"{path}/approve", method="POST"), 409, "correction-settled")
    require_refusal(await ask(ward, "li.na", "corrections", proposal(claim, 1)), 409, "claim-not-manual")


async def test_nobody_approves_their_own_correction(ward: House, waiting: tuple[SampleBill, dict[str, Any]]) -> None:
    _, claim = waiting
    proposed = (await ask(ward, "wang.wei", "corrections", proposal(claim, 100))).document
    path = f"corrections/{proposed['correction_id']}"

    require_refusal(await ask(ward, "wang.wei", f"{path}/approve", method="POST"), 409, "two-persons")
    require_refusal(await ask(ward, "li.na", f"{path}/approve", method="POST"), 403, "role-missing")
    assert (await ward.order(claim["order_id"])).document["claims"][0]["state"] == "manual"
    assert (await ask(ward, "li.na", f"{path}/withdraw", method="POST")).document["state"] == "withdrawn"
    require_refusal(await ask(ward, "wang.wei", f"{path}/approve", method="POST"), 409, "correction-settled")


async def test_of_two_approvals_at_once_one_counts(ward: House, waiting: tuple[SampleBill, dict[str, Any]]) -> None:
    _, claim = waiting
    made = [(await ask(ward, "li.na", "corrections", proposal(claim, fen))).document for fen in (100, 200)]

    answers = await asyncio.gather(
        *(ask(ward, "wang.wei", f"corrections/{one['correction_id']}/approve", method="POST") for one in made * 2)
    )

    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    view = (await ward.decided(claim["order_id"], 5)).document
    assert view["approved_fen"] == next(one.document["approved"] for one in answers if one.status == 200)


async def test_a_claim_is_closed_by_two_persons(ward: House, waiting: tuple[SampleBill, dict[str, Any]]) -> None:
    _, claim = waiting
    proposed = (await ask(ward, "li.na", "corrections", proposal(claim, 0, "close"))).document
    await ask(ward, "wang.wei", f"corrections/{proposed['correction_id']}/approve", method="POST")

    view = (await ward.decided(claim["order_id"], 5)).document

    assert (view["claims"][0]["state"], view["approved_fen"]) == ("closed", 0)


async def test_a_proposal_that_cannot_be_is_refused(ward: House, waiting: tuple[SampleBill, dict[str, Any]]) -> None:
    _, claim = waiting
    too_much, paid_close = proposal(claim, claim["claimed_fen"] + 1), proposal(claim, 1, "close")

    for wrong in (too_much, paid_close):
        require_refusal(await ask(ward, "li.na", "corrections", wrong), 422, "bad-money")
    named = proposal(claim, 1) | {"evidence": "Zhang San said so"}
    require_refusal(await ask(ward, "li.na", "corrections", named), 400, "reason-needed")
    unknown = proposal(claim, 1) | {"claim_id": "clm_0"}
    require_refusal(await ask(ward, "li.na", "corrections", unknown), 404, "claim-unknown")
    for odd in ({"claim_id": claim["claim_id"]}, proposal(claim, -1), proposal(claim, 1) | {"extra": 1}, [1]):
        require_refusal(await ask(ward, "li.na", "corrections", odd), 400, "admin-body")
    enquire = await ask(ward, "li.na", f"claims/{claim['claim_id']}/enquire", {"reason": "case-1"})
    require_refusal(enquire, 409, "nothing-to-ask")


async def test_weak_algorithms_are_told_with_their_end(ward: House) -> None:
    weak = (await ask(ward, "auditor", "weak-crypto")).document["weak"]

    assert [one.get("insurer") or (one["hospital"], one["format"]) for one in weak] == [
        "package",
        ("H99990100004", "yibao-6201"),
    ]
    assert {one["algorithms"][0] for one in weak} == {"ECB"}
    assert all(one["exception"]["until"] and one["exception"]["reason"] and one["days_left"] > 0 for one in weak)
    metrics = (await ward.call("GET", "/metrics", door="operator")).body.decode()
    days = int(weak[1]["days_left"])
    assert f'lianpei_hospital_weak_crypto_days_left{{name="H99990100004:yibao-6201"}} {days}.0' in metrics


async def test_an_act_of_no_conversation_is_sent_by_hand_and_moves_nothing(narrow: DoorStage, ward: House) -> None:
    """The payment notice of HCX: once the money has arrived, somebody who knows it tells the payer."""
    view = await ward.settle(sample_bill("hcx"))
    (claim,) = view["claims"]
    path = f"claims/{claim['claim_id']}/acts"
    sent = await ask(ward, "li.na", f"{path}/payment_notice", {"reason": "case-2026-115"})

    assert (sent.status, sent.document) == (200, {"act": "payment_notice", "state": "accepted", "peer_code": ""})
    assert (await ward.order(view["order_id"])).document == view
    told = [row for row in audited(narrow, view["order_id"]) if row["kind"] == "act-sent"]
    assert [(row["who"], row["detail"]) for row in told] == [("operator:li.na", f"{claim['claim_id']}:payment_notice")]
    for act in ("settle", "preauth", "token", "nothing"):
        refused = await ask(ward, "li.na", f"{path}/{act}", {"reason": "case-1"})
        require_refusal(refused, 409, "act-not-offered")
