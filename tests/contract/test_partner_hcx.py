"""The HCX folder: FHIR R4 bundles both ways, results by callback, protocol headers without personal data."""

import json
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from partner_folder import Folder, changed, exact

from gateway.claims.canonical.claim import Attachment
from gateway.claims.canonical.dispatch import Dispatch
from gateway.mapping.api import Outgoing

HCX = Folder("hcx")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

PRODUCED = {"coverage_eligibility_request_bundle": "eligibility", "claim_bundle": "claim"}
CAME_BACK = {
    *("coverage_eligibility_response_bundle", "claim_response_bundle"),
    *("callback_protocol_error", "callback_redirect", "ack_202", "error_400"),
}
"""Read in test_partner_hcx_answers.py."""
ELSEWHERE = {
    "protected_header_nhcx_style": "the national operator's variant: other time form and request id",
    "jwe_test_vector": "a cipher vector, a matter of the seal: tests/interop/test_interop_jwe.py",
}
BUNDLES = ("eligibility", "quote", "settle", "claim", "preauth", "payment_notice", "communication")


def written(act: str, dispatch: Dispatch | None = None) -> Outgoing:
    return HCX.acts[act].write(dispatch or HCX.dispatch(act))


def bundle(act: str) -> Any:
    return exact(written(act).document)


def main(document: Any) -> Any:
    return document["entry"][0]["resource"]


def renamed(document: Any) -> Any:
    """Every UUID becomes the number of its first appearance: equal up to the choice of ids."""
    seen: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"#{len(seen)}")

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: walk(value) for name, value in sorted(node.items())}
        if isinstance(node, list):
            return [walk(value) for value in node]
        return UUID.sub(number, node) if isinstance(node, str) else node

    return walk(document)


def without_extensions(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: without_extensions(value) for name, value in node.items() if name != "extension"}
    return [without_extensions(one) for one in node] if isinstance(node, list) else node


def test_every_published_sample_is_covered_or_named_as_another_variant() -> None:
    covered = {*PRODUCED, *CAME_BACK, *ELSEWHERE, "protected_header_claim_submit"}
    assert {file.stem for file in HCX.samples.iterdir()} == covered


def test_folder_has_no_mistake_and_its_own_tests_pass() -> None:
    assert HCX.mistakes() == []
    folder = Folder("hcx")
    folder.partner["password"] = "secret"
    assert folder.failed_tests() == []


@pytest.mark.parametrize("name", PRODUCED)
def test_published_bundle_is_produced_up_to_the_choice_of_ids(name: str) -> None:
    """The agreed ``urn:lianpei`` extensions come on top of the published claim."""
    made = without_extensions(bundle(PRODUCED[name]))
    assert renamed(made) == renamed(exact(HCX.sample(name)))


def test_extensions_say_what_fhir_has_no_place_for() -> None:
    def money(found: Any) -> dict[str, Decimal]:
        return {one["url"]: one["valueMoney"]["value"] for one in found["extension"]}

    claim = main(bundle("settle"))
    assert money(claim) == {"urn:lianpei:cash-after-basic": Decimal("172.31"), "urn:lianpei:prior-paid": Decimal(10)}
    levels = [{one["url"]: one.get("valueCode") for one in item["extension"]} for item in claim["item"]]
    assert [level["urn:lianpei:class-level"] for level in levels].count("C") == 1


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


@pytest.mark.parametrize("act", BUNDLES)
def test_every_reference_resolves_inside_the_bundle(act: str) -> None:
    document = bundle(act)
    urls = [entry["fullUrl"] for entry in document["entry"]]
    assert set(references(document)) <= set(urls)
    assert len(urls) == len(set(urls))
    assert all(entry["fullUrl"] == "urn:uuid:" + entry["resource"]["id"] for entry in document["entry"])


@pytest.mark.parametrize(
    ("act", "use"),
    [("quote", "predetermination"), ("settle", "claim"), ("claim", "claim"), ("preauth", "preauthorization")],
)
def test_claims_tie_out_and_say_what_they_are_for(act: str, use: str) -> None:
    claim = main(bundle(act))
    assert claim["use"] == use
    assert sum(item["net"]["value"] for item in claim["item"]) == claim["total"]["value"] == Decimal(430)
    for item in claim["item"]:
        product = item["quantity"]["value"] * item["unitPrice"]["value"]
        assert item["net"]["value"] == product.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_empty_lists_are_left_out_because_fhir_refuses_them() -> None:
    assert "procedure" not in main(bundle("claim"))
    assert len(main(bundle("preauth"))["procedure"]) == 1


def test_inpatient_claim_is_institutional() -> None:
    assert main(bundle("preauth"))["type"]["coding"][0]["code"] == "institutional"
    assert main(bundle("claim"))["type"]["coding"][0]["code"] == "professional"


def test_quote_and_settlement_of_one_claim_are_two_cycles_of_one_workflow() -> None:
    quote, settle = written("quote"), written("settle")
    assert quote.protected["x-hcx-workflow_id"] == settle.protected["x-hcx-workflow_id"]
    assert quote.protected["x-hcx-correlation_id"] != settle.protected["x-hcx-correlation_id"]
    assert quote.correlation == quote.protected["x-hcx-correlation_id"]


def test_a_repeat_has_the_same_call_id_so_that_the_receiver_can_drop_the_copy() -> None:
    dispatch = HCX.dispatch("settle")
    again = msgspec.structs.replace(dispatch, act=msgspec.structs.replace(dispatch.act, attempt=2))
    assert written("settle", again).protected == written("settle").protected


def test_protected_header_has_the_published_names_and_forms() -> None:
    published = json.loads(HCX.sample("protected_header_claim_submit"))
    made = written("settle").protected
    assert set(made) == set(published) - {"alg", "enc"}
    for name, value in made.items():
        assert isinstance(value, str)
        assert bool(UUID.fullmatch(value)) is bool(UUID.fullmatch(published[name]))
    assert made["x-hcx-timestamp"] == published["x-hcx-timestamp"]
    assert made["x-hcx-status"] == "request.queued"


@pytest.mark.parametrize("act", [*BUNDLES, "status"])
def test_readable_headers_tell_nothing_about_the_person(act: str) -> None:
    """Everyone on the way reads them."""
    dispatch = HCX.dispatch(act)
    headers = " ".join(map(str, written(act).protected.values()))
    person, visit = dispatch.patient, dispatch.visit
    secrets = (
        person.name,
        person.cert_no,
        person.patient_id,
        str(person.mobile),
        visit.visit_id,
        dispatch.policy.policy_no,
    )
    assert [one for one in secrets if one in headers] == []


BREAKS = {
    "unknown member": (("entry", 0, "resource", "patientName"), "x", "additionalProperties"),
    "no total": (("entry", 0, "resource", "total"), ..., "required"),
    "amount as text": (("entry", 0, "resource", "total", "value"), "430.00", "type"),
    "other currency": (("entry", 0, "resource", "total", "currency"), "USD", "const"),
    "other use": (("entry", 0, "resource", "use"), "gift", "enum"),
    "no items": (("entry", 0, "resource", "item"), [], "minItems"),
    "dangling form of reference": (("entry", 0, "resource", "patient", "reference"), "Patient/1", "pattern"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_schema_refuses(name: str) -> None:
    path, value, keyword = BREAKS[name]
    document = json.loads(written("claim").document)
    assert HCX.violations("claim.request", document) == []
    assert HCX.violations("claim.request", changed(document, path, value)) == [keyword]


@pytest.mark.parametrize("act", ["settle", "claim"])
def test_a_prior_authorization_travels_with_the_claim_that_follows_it(act: str) -> None:
    plain = HCX.dispatch(act)
    granted = msgspec.structs.replace(plain, refs={**plain.refs, "preauth_ref": "AUTH-1"})
    assert main(exact(written(act, granted).document))["insurance"][0]["preAuthRef"] == ["AUTH-1"]
    assert "preAuthRef" not in main(bundle(act))["insurance"][0]


def test_a_payment_notice_says_what_was_approved_and_never_what_was_asked_for() -> None:
    dispatch = HCX.dispatch("payment_notice")
    claim = msgspec.structs.replace(dispatch.claim, approved=7, quoted=9, claimed=11)
    notice = main(exact(written("payment_notice", msgspec.structs.replace(dispatch, claim=claim)).document))
    assert notice["amount"]["value"] == Decimal("0.07")


def test_documents_go_by_address_beside_the_records_text() -> None:
    dispatch = HCX.dispatch("communication")
    invoice = Attachment(kind="invoice", ref="store/1", sha256="0" * 64)
    sent = main(exact(written("communication", msgspec.structs.replace(dispatch, attachments=(invoice,))).document))
    assert sent["payload"][-1] == {"contentAttachment": {"url": "store/1", "title": "invoice"}}
