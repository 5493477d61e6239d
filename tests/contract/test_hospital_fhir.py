"""The hospital format ``fhir-r4`` reads the published claim bundle and encounter."""

from typing import Any

import msgspec
import pytest
from test_hospital_formats import consent, published, read, refused_rules

from gateway.claims.canonical.types import ItemKind
from gateway.kernel.errors import MessageRefused


def fen(amount: int) -> dict[str, Any]:
    return {"value": amount / 100, "currency": "CNY"}


def extension(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    parts = [
        {"url": field, "valueMoney": fen(one)} if isinstance(one, int) else {"url": field, "valueString": one}
        for field, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return {"url": f"urn:lianpei:{name}", "extension": parts}


def fhir() -> Any:
    """The published claim bundle and encounter, with the little that FHIR lacks."""
    bundle, encounter = published("hcx", "claim_bundle"), published("his", "fhir_encounter")
    claim, patient, _hospital, _insurer, coverage = (entry["resource"] for entry in bundle["entry"])
    split = {"total": 43000, "fund_total": 13769, "account_pay": 12000, "cash_pay": 17231}
    claim["extension"] = [
        {"url": "urn:lianpei:kind", "valueCode": "direct_pay"},
        extension("split", split),
    ]
    patient["identifier"].append({"system": "urn:lianpei:cert:id_card", "value": "999901198503120012"})
    coverage["type"] = {"coding": [{"code": "outpatient-medical"}]}
    coverage["payor"][0]["identifier"] = {"value": "hcx"}
    encounter["serviceType"] = {"coding": [{"code": "A03", "display": "内科"}]}
    agreed = {"resourceType": "Consent", "extension": [extension("consent", consent("TESTPAT0001"))]}
    return {**bundle, "entry": [*bundle["entry"], {"resource": encounter}, {"resource": agreed}]}


def test_published_fhir_claim_and_encounter_are_read() -> None:
    bill = read("fhir-r4", fhir())
    assert (bill.visit.visit_id, bill.visit.visit_kind, bill.visit.hospital_code) == (
        *("OP20250305000017", "outpatient"),
        "H99990100001",
    )
    assert sum(line.amount for line in bill.lines) == bill.split.total == 43000
    assert [(one.code, one.system, one.is_main) for one in bill.diagnoses] == [("J06.9", "ICD-10", True)]
    assert [(one.insurer_code, one.policy_no) for one in bill.policies] == [("hcx", "TESTP2025000001")]
    assert bill.patient.cert_no == "999901198503120012"
    assert [line.item_kind for line in bill.lines].count(ItemKind.DRUG) == 4
    assert refused_rules(bill) == []


def test_claim_that_gives_the_day_only_counts_from_its_start_in_our_zone() -> None:
    assert read("fhir-r4", fhir()).lines[0].occurred_at.isoformat() == "2025-03-05T00:00:00+08:00"


@pytest.mark.parametrize("resource", ["Claim", "Patient", "Encounter", "Consent", "Coverage"])
def test_bundle_without_a_needed_resource_is_refused(resource: str) -> None:
    bundle = fhir()
    bundle["entry"] = [entry for entry in bundle["entry"] if entry["resource"]["resourceType"] != resource]
    with pytest.raises((MessageRefused, msgspec.ValidationError)):
        read("fhir-r4", bundle)


def resource(bundle: Any, kind: str) -> Any:
    return next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind)


VOID = [
    *[(kind, "status", word) for kind in ("Claim", "Coverage", "Consent") for word in ("draft", "entered-in-error")],
    *[("Encounter", "status", "cancelled"), ("Encounter", "status", "entered-in-error")],
    *[("Claim", "use", "preauthorization"), ("Claim", "status", "cancelled"), ("Claim", "status", "no-such-word")],
]


@pytest.mark.parametrize(("kind", "member", "word"), VOID)
def test_what_says_of_itself_that_it_does_not_stand_is_no_bill(kind: str, member: str, word: str) -> None:
    bundle = fhir()
    resource(bundle, kind)[member] = word

    with pytest.raises(MessageRefused, match=member):
        read("fhir-r4", bundle)


@pytest.mark.parametrize("status", ["in-progress", "onleave", "finished"])
def test_bill_of_a_visit_that_goes_on_is_a_bill(status: str) -> None:
    bundle = fhir()
    resource(bundle, "Encounter")["status"] = status

    assert read("fhir-r4", bundle).visit.visit_id == "OP20250305000017"
