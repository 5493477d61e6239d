"""The HCX folder, what comes back: acknowledgements, callbacks, protocol errors, enquiries and tokens."""

import json
from typing import Any

import msgspec
import pytest
from partner_folder import Folder, changed

from gateway.claims.canonical.dispatch import ActResult, read_result
from gateway.claims.partners.manifest import load_faults
from gateway.kernel.errors import MessageRefused
from gateway.mapping.api import Incoming, Outgoing

HCX = Folder("hcx")
CYCLE = "00000000-0000-4000-8000-000000000901"
COMPLETE = json.loads((HCX.home / "examples" / "complete.protected.json").read_text())
CALLBACKS = {
    "coverage_eligibility_response_bundle": ("eligibility", "eligibility"),
    "claim_response_bundle": ("claim_result", "claim_response"),
    "callback_protocol_error": ("claim_result", "protocol_error"),
    "callback_redirect": ("claim_result", "redirect"),
}
ANSWERS = {"ack_202": 202, "error_400": 400}


def written(act: str) -> Outgoing:
    return HCX.acts[act].write(HCX.dispatch(act))


def called_back(act: str, document: Any, protected: Any = None) -> ActResult:
    headers = document if "x-hcx-status" in document else COMPLETE
    incoming = Incoming(json.dumps(document).encode(), 200, headers if protected is None else protected)
    return read_result(HCX.acts[act].read_callback(incoming))


def response(**members: Any) -> Any:
    """The published claim response with members of the ClaimResponse replaced, or removed with ``...``."""
    document = json.loads(HCX.sample("claim_response_bundle"))
    for name, value in members.items():
        document = changed(document, ("entry", 0, "resource", name), value)
    return document


@pytest.mark.parametrize("name", ANSWERS)
def test_published_answer_of_the_switch_is_understood(name: str) -> None:
    result = read_result(HCX.acts["settle"].read(Incoming(HCX.sample(name), ANSWERS[name]), HCX.dispatch("settle")))
    assert result == HCX.expected(name)


@pytest.mark.parametrize("name", CALLBACKS)
def test_published_callback_is_understood(name: str) -> None:
    act, stem = CALLBACKS[name]
    assert called_back(act, json.loads(HCX.sample(name))) == HCX.expected(stem)


def test_callback_is_acknowledged_with_202_and_its_own_ids() -> None:
    incoming = Incoming(HCX.sample("claim_response_bundle"), 200, COMPLETE)
    reply = HCX.acts["claim_result"].write_reply(incoming)
    assert reply.status == 202
    body = json.loads(reply.document)
    assert set(body) == set(json.loads(HCX.sample("ack_202")))
    assert body["correlation_id"] == CYCLE


def test_business_refusal_is_a_refusal_with_its_denial_code() -> None:
    denied = response(outcome="error", payment=..., error=[{"code": {"coding": [{"code": "ELIG-001"}]}}])
    result = called_back("claim_result", denied)
    assert (result.state, result.peer_code, result.approved) == ("refused", "ELIG-001", msgspec.UNSET)
    assert "ELIG-001" in load_faults(HCX.home)


@pytest.mark.parametrize(("outcome", "state"), [("queued", "pending"), ("partial", "pending"), ("error", "refused")])
def test_outcome_other_than_complete_approves_nothing(outcome: str, state: str) -> None:
    result = called_back("claim_result", response(outcome=outcome))
    assert (result.state, result.approved, result.verdict) == (state, msgspec.UNSET, msgspec.UNSET)


def test_partial_response_is_not_the_final_word() -> None:
    result = called_back("claim_result", response(), {**COMPLETE, "x-hcx-status": "response.partial"})
    assert (result.state, result.approved) == ("pending", msgspec.UNSET)


def test_decision_without_a_payment_names_no_amount() -> None:
    result = called_back("claim_result", response(payment=...))
    assert (result.state, result.approved, result.verdict) == ("accepted", msgspec.UNSET, msgspec.UNSET)


def test_payment_of_zero_is_a_zero_settlement() -> None:
    result = called_back("claim_result", response(payment={"amount": {"value": 0, "currency": "CNY"}}))
    assert (result.state, result.approved, result.verdict) == ("accepted", 0, "zero")


@pytest.mark.parametrize("amount", ["115.45", 115.455, None])
def test_payment_that_is_no_exact_amount_is_refused(amount: Any) -> None:
    with pytest.raises(MessageRefused):
        called_back("claim_result", response(payment={"amount": {"value": amount, "currency": "CNY"}}))


def test_older_document_bundle_is_read_by_its_first_claim_response() -> None:
    document = response()
    document["type"] = "document"
    document["entry"].insert(0, {"resource": {"resourceType": "Composition"}})
    assert called_back("claim_result", document).approved == 11545


@pytest.mark.parametrize("act", ["quote", "preauth"])
def test_trial_and_preauthorization_carry_an_amount_but_no_verdict(act: str) -> None:
    result = called_back(act, response(preAuthRef="AUTH1"))
    assert (result.approved, result.verdict, result.refs["preauth_ref"]) == (11545, msgspec.UNSET, "AUTH1")


def test_policy_that_is_not_in_force_is_a_refusal() -> None:
    document = json.loads(HCX.sample("coverage_eligibility_response_bundle"))
    document = changed(document, ("entry", 0, "resource", "insurance", 0, "inforce"), False)
    result = called_back("eligibility", document)
    assert (result.state, result.policies) == ("refused", ())


def test_codes_after_which_delivery_is_open_are_not_listed_and_so_count_as_unknown() -> None:
    published = {"ERR_INVALID_RECIPIENT", "ERR_INVALID_ENCRYPTION", "ERR_DOMAIN_PROCESSING", "response.redirect"}
    listed = set(load_faults(HCX.home))
    assert published <= listed
    assert {"ERR_SERVICE_UNAVAILABLE", "ERR_RECIPIENT_NOT_AVAILABLE"} & listed == set()


@pytest.mark.parametrize(
    ("stem", "status", "state"), [("status_complete", 202, "pending"), ("status_unknown", 400, "not_found")]
)
def test_status_call_tells_only_whether_the_request_arrived(stem: str, status: int, state: str) -> None:
    answer = (HCX.home / "examples" / f"{stem}.answer.json").read_bytes()
    result = read_result(HCX.acts["status"].read(Incoming(answer, status), HCX.dispatch("status")))
    assert (result.state, result.approved) == (state, msgspec.UNSET)


def test_status_call_carries_the_cycle_of_the_act_it_asks_about() -> None:
    settle, status = written("settle"), written("status")
    assert status.protected["x-hcx-correlation_id"] == settle.protected["x-hcx-correlation_id"]
    assert status.protected["x-hcx-api_call_id"] != settle.protected["x-hcx-api_call_id"]
    assert status.correlation == ""


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"timestamp": "1"}', b""])
def test_answer_without_202_means_nothing_is_known(body: bytes) -> None:
    incoming = Incoming(body, 200)
    try:
        state = read_result(HCX.acts["settle"].read(incoming, HCX.dispatch("settle"))).state
    except MessageRefused:
        state = "unknown"
    assert state == "unknown"


def test_token_is_asked_for_with_a_form_and_no_claim() -> None:
    empty = dict.fromkeys(("claim", "patient", "visit", "split", "policy", "consent"), msgspec.UNSET)
    out = HCX.acts["token"].write(msgspec.structs.replace(HCX.dispatch("token"), **empty))
    assert out.content_type == "application/x-www-form-urlencoded"
    assert b"grant_type=password" in out.document
    result = read_result(HCX.acts["token"].read(Incoming(b'{"access_token": "T", "expires_in": 300}')))
    assert (result.state, result.refs, result.expires_in) == ("accepted", {"token": "T"}, 300)


def test_refused_login_gives_no_token() -> None:
    result = read_result(HCX.acts["token"].read(Incoming(b'{"error": "invalid_grant"}', 401)))
    assert (result.state, result.refs) == ("refused", {})
