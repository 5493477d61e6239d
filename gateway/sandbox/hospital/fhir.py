"""Format ``fhir-r4``: one Bundle around a Claim, written from a canonical Submission (docs/hospital-formats.md).

FHIR's own places come first; what FHIR has no place for travels in ``urn:lianpei:*`` extensions.
"""

import uuid
from typing import Any

from gateway.sandbox.hospital.fhir_claim import claim_resource
from gateway.sandbox.hospital.fhir_parts import coding, nested

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:lianpei:sample-hospital")
_CLASSES = {"inpatient": "IMP", "emergency": "EMER"}
_VISIT_NATIVE = frozenset(
    {"visit_id", "hospital_code", "hospital_name", "begin_at", "end_at", "dept_code", "dept_name", "doctor_code"}
    | {"doctor_name", "record", "record_refs"}
)


def fhir_bundle(submission: dict[str, Any]) -> dict[str, Any]:
    """A ``collection`` bundle; amounts are ``Decimal`` 元 (encode with ``encoding.to_json``). References hold."""
    refs = _References(submission["visit"]["visit_id"])
    claim = claim_resource(submission, refs)
    others = [
        (refs("patient"), _patient(submission["patient"])),
        (refs("encounter"), _encounter(submission["visit"], refs)),
        (refs("hospital"), _hospital(submission["visit"])),
        (refs("consent"), _consent(submission["consent"], refs)),
    ]
    for policy in submission["policies"]:
        others += _cover(policy, refs)
    return {
        "resourceType": "Bundle",
        "id": refs.bare("bundle"),
        "type": "collection",
        "timestamp": submission["visit"].get("end_at", submission["visit"]["begin_at"]),
        "entry": [_entry(reference, resource) for reference, resource in [(refs("claim"), claim), *others]],
    }


class _References:
    """Stable ``urn:uuid:`` names of a bundle's entries."""

    def __init__(self, visit_id: str) -> None:
        self._visit_id = visit_id

    def bare(self, name: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self._visit_id}/{name}"))

    def __call__(self, name: str) -> str:
        return "urn:uuid:" + self.bare(name)


def _entry(reference: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": reference, "resource": {**resource, "id": reference.removeprefix("urn:uuid:")}}


def _identifier(system: str, value: str) -> dict[str, str]:
    return {"system": f"urn:lianpei:{system}", "value": value}


def _patient(patient: dict[str, Any]) -> dict[str, Any]:
    identifiers = [
        _identifier("patient", patient["patient_id"]),
        _identifier(f"cert:{patient['cert_type']}", patient["cert_no"]),
        *([_identifier("psn-no", patient["psn_no"])] if "psn_no" in patient else []),
    ]
    extra: dict[str, Any] = {
        name: patient[name] for name in ("insured_area", "insurance_type", "person_category") if name in patient
    }
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": identifiers,
        "name": [{"text": patient["name"]}],
        "gender": patient["gender"],
        "birthDate": patient["birth_date"],
        "telecom": [{"system": "phone", "value": patient["mobile"]}],
    }
    return resource | ({"extension": [nested("patient", extra)]} if extra else {})


def _encounter(visit: dict[str, Any], refs: _References) -> dict[str, Any]:
    extra = {name: value for name, value in visit.items() if name not in _VISIT_NATIVE}
    records = [nested("record", visit["record"])] if "record" in visit else []
    return {
        "resourceType": "Encounter",
        "identifier": [_identifier("visit", visit["visit_id"])],
        "status": "finished",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": _CLASSES.get(visit["visit_kind"], "AMB"),
        },
        "subject": {"reference": refs("patient")},
        "period": {"start": visit["begin_at"], "end": visit["end_at"]},
        "serviceType": coding("department", visit["dept_code"], visit["dept_name"]),
        "participant": [
            {
                "individual": {
                    "identifier": _identifier("doctor", visit["doctor_code"]),
                    "display": visit["doctor_name"],
                }
            }
        ],
        "serviceProvider": {"reference": refs("hospital")},
        "extension": [nested("visit", extra), *records],
    }


def _organization(system: str, code: str, name: str) -> dict[str, Any]:
    return {"resourceType": "Organization", "identifier": [_identifier(system, code)], "name": name}


def _hospital(visit: dict[str, Any]) -> dict[str, Any]:
    return _organization("hospital", visit["hospital_code"], visit["hospital_name"])


def _consent(consent: dict[str, Any], refs: _References) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "identifier": [_identifier("consent", consent["consent_id"])],
        "status": "active",
        "scope": coding("consent-scope", "claim", "商保理赔授权"),
        "category": [coding("consent-category", "claim", "商保理赔授权")],
        "patient": {"reference": refs("patient")},
        "dateTime": consent["given_at"],
        "policyRule": {"text": consent["text_version"]},
        "provision": {"type": "permit", "period": {"start": consent["given_at"], "end": consent["valid_to"]}},
        "extension": [nested("consent", consent)],
    }


def _cover(policy: dict[str, Any], refs: _References) -> list[tuple[str, dict[str, Any]]]:
    insurer = refs(f"insurer-{policy['order_no']}")
    extra: dict[str, Any] = {
        name: policy[name]
        for name in ("cert_no_group", "benefit_type", "claim_way", "residual", "deductible_left")
        if name in policy
    }
    coverage = {
        "resourceType": "Coverage",
        "identifier": [_identifier("policy", policy["policy_no"])],
        "status": "active",
        "type": coding("product", policy["product_code"], policy["product_code"]),
        **({"subscriberId": policy["customer_no"]} if "customer_no" in policy else {}),
        "beneficiary": {"reference": refs("patient")},
        "relationship": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/subscriber-relationship",
                    "code": policy["relation"],
                }
            ]
        },
        "period": {"start": policy["begin_at"], "end": policy["end_at"]},
        "payor": [{"reference": insurer, "identifier": _identifier("insurer", policy["insurer_code"])}],
        "order": policy["order_no"],
        "extension": [nested("policy", extra)],
    }
    return [
        (insurer, _organization("insurer", policy["insurer_code"], policy["insurer_code"])),
        (refs(f"coverage-{policy['order_no']}"), coverage),
    ]
