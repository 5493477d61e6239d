"""The Claim resource of format ``fhir-r4``: diagnoses, procedures, items, insurance and the 医保 split."""

from decimal import Decimal
from typing import Any

from gateway.sandbox.hospital.catalogue import CATEGORY_NAMES
from gateway.sandbox.hospital.fhir_parts import Refs, coding, extension, money, nested, one_coding

_SPLIT_ELSEWHERE = frozenset({"categories", "commercial_pay"})
_PAPERS = ("invoice", "report", "confirmation", "payout_account")
_LINE_STRINGS = ("line_no", "batch_no", "rx_no", "spec", "form", "refund_of")
_LINE_CODES = ("item_kind", "class_level")
_LINE_DECIMALS = ("self_ratio", "price_limit")
_LINE_AMOUNTS = ("own_amount", "over_limit", "pre_self", "in_scope")


def claim_resource(submission: dict[str, Any], refs: Refs) -> dict[str, Any]:
    visit, split = submission["visit"], submission["split"]
    procedures = [_procedure(number, one) for number, one in enumerate(submission["procedures"], 1)]
    return {
        "resourceType": "Claim",
        "status": "active",
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "professional"}]},
        "use": "claim",
        "patient": {"reference": refs("patient")},
        "billablePeriod": {"start": visit["begin_at"][:10], "end": visit["end_at"][:10]},
        "created": visit["end_at"],
        "provider": {"reference": refs("hospital")},
        "insurer": {"reference": refs("insurer-1")},
        "priority": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/processpriority", "code": "normal"}]},
        "diagnosis": [_diagnosis(one) for one in submission["diagnoses"]],
        **({"procedure": procedures} if procedures else {}),
        "insurance": [_insurance(policy, refs) for policy in submission["policies"]],
        "item": [_item(number, line, refs) for number, line in enumerate(submission["lines"], 1)],
        "total": money(split["total"]),
        "extension": _extensions(submission),
    }


def _extensions(submission: dict[str, Any]) -> list[dict[str, Any]]:
    split = {name: value for name, value in submission["split"].items() if name not in _SPLIT_ELSEWHERE}
    return [
        extension("kind", "valueCode", submission["kind"]),
        extension("order-kind", "valueCode", submission["order_kind"]),
        nested("split", split),
        *(nested("category", category) for category in submission["split"]["categories"]),
        *(nested(name.replace("_", "-"), submission[name]) for name in _PAPERS if name in submission),
    ]


def _diagnosis(diagnosis: dict[str, Any]) -> dict[str, Any]:
    condition = diagnosis.get("admit_condition")
    return {
        "sequence": diagnosis["seq"],
        "diagnosisCodeableConcept": coding(diagnosis["system"], diagnosis["code"], diagnosis["name"]),
        "type": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/ex-diagnosistype",
                        "code": "principal" if diagnosis["is_main"] else "clinical",
                    }
                ]
            }
        ],
        "extension": [
            extension("diagnosis-kind", "valueCode", diagnosis["kind"]),
            *([extension("admit-condition", "valueCode", condition)] if condition else []),
        ],
    }


def _procedure(number: int, procedure: dict[str, Any]) -> dict[str, Any]:
    surgeon = {"code": procedure["surgeon_code"], "display": procedure["surgeon_name"]}
    return {
        "sequence": number,
        "date": procedure["performed_on"],
        "procedureCodeableConcept": coding("procedure", procedure["code"], procedure["name"]),
        "extension": [
            extension("anaesthesia", "valueCode", procedure["anaesthesia"]),
            extension("surgeon", "valueCoding", surgeon),
        ],
    }


def _insurance(policy: dict[str, Any], refs: Refs) -> dict[str, Any]:
    number = policy["order_no"]
    return {"sequence": number, "focal": number == 1, "coverage": {"reference": refs(f"coverage-{number}")}}


def _item(number: int, line: dict[str, Any], refs: Refs) -> dict[str, Any]:
    category = line["fee_category"]
    product = [one_coding("hospital-item", line["hosp_code"], line["hosp_name"])]
    if "nat_code" in line:
        product.insert(0, one_coding("national-item", line["nat_code"], line["nat_name"]))
    unit = {"unit": line["unit"]} if "unit" in line else {}
    return {
        "sequence": number,
        "category": coding("charge-category", category, CATEGORY_NAMES[category]),
        "productOrService": {"coding": product, "text": line["hosp_name"]},
        "servicedPeriod": {"start": line["occurred_at"]},
        "quantity": {"value": Decimal(line["qty"]), **unit},
        "unitPrice": {"value": Decimal(line["price"]), "currency": "CNY"},
        "net": money(line["amount"]),
        "encounter": [{"reference": refs("encounter")}],
        "extension": _line_extensions(line),
    }


def _line_extensions(line: dict[str, Any]) -> list[dict[str, Any]]:
    def given(names: tuple[str, ...], kind: str) -> list[dict[str, Any]]:
        return [extension(name.replace("_", "-"), kind, _typed(kind, line[name])) for name in names if name in line]

    return [
        *given(_LINE_STRINGS, "valueString"),
        *given(_LINE_CODES, "valueCode"),
        *given(_LINE_DECIMALS, "valueDecimal"),
        *given(_LINE_AMOUNTS, "valueMoney"),
        extension("dept", "valueCoding", {"code": line["dept_code"], "display": line["dept_name"]}),
        extension("doctor", "valueCoding", {"code": line["doctor_code"], "display": line["doctor_name"]}),
    ]


def _typed(kind: str, value: Any) -> Any:
    match kind:
        case "valueDecimal":
            return Decimal(value)
        case "valueMoney":
            return money(value)
        case _:
            return value
