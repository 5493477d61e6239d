"""Synthetic bills that tie out to the 分, and one-line edits of them."""

import copy
from typing import Any

import msgspec

from gateway.claims.canonical.claim import Submission

DAY = "2025-03-05"
CERT_NO = "110101199003070038"


def line(number: int, price: str, qty: str, amount: int, level: str = "B", **more: Any) -> dict[str, Any]:
    own = amount if level == "C" else 0
    return {
        "line_no": f"L{number:04d}",
        "occurred_at": f"{DAY}T10:{number % 60:02d}:00+08:00",
        "item_kind": "drug",
        "fee_category": "09",
        "hosp_code": f"H{number}",
        "hosp_name": "测试项目",
        "price": price,
        "qty": qty,
        "amount": amount,
        "class_level": level,
        "own_amount": own,
        "over_limit": 0,
        "pre_self": 0,
        "in_scope": amount - own,
        **more,
    }


def _fee_lines(count: int) -> list[dict[str, Any]]:
    lines = [line(number, "12.345", "2", 2469) for number in range(1, count)]
    return [*lines, line(count, "28.00", "1", 2800, "C")]


def _split(lines: list[dict[str, Any]]) -> dict[str, Any]:
    total = sum(item["amount"] for item in lines)
    own = sum(item["own_amount"] for item in lines)
    fund, account = total // 4, total // 5
    return {
        "total": total,
        "fund_total": fund,
        "fund_pool": fund - 10,
        "fund_aid": 10,
        "account_pay": account,
        "family_account": 5,
        "cash_pay": total - fund - account,
        "personal_total": total - fund,
        "own_total": own,
        "over_total": 0,
        "pre_total": 0,
        "scope_total": total - own,
        "commercial_pay": [{"policy_no": "P1", "amount": 100}],
        "self_pay_due": total - fund - account - 100,
        "categories": [{"category": "09", "name": "西药费", "amount": total}],
    }


def _policy() -> dict[str, Any]:
    return {
        "insurer_code": "package",
        "product_code": "prod-1",
        "policy_no": "P1",
        "insured_ref": "pat-1",
        "relation": "self",
        "begin_at": "2025-01-01T00:00:00+08:00",
        "end_at": "2026-01-01T00:00:00+08:00",
        "benefit_type": "expense",
        "residual": 5_000_000,
        "claim_way": "both",
        "order_no": 1,
    }


def _consent() -> dict[str, Any]:
    return {
        "consent_id": "con-1",
        "patient_id": "pat-1",
        "grantor": "self",
        "hospital_codes": ["H99990100001"],
        "insurer_codes": ["package"],
        "purposes": ["claim"],
        "data_classes": ["medical"],
        "text_version": "v1",
        "text_sha256": "0" * 64,
        "given_at": f"{DAY}T09:00:00+08:00",
        "valid_to": "2026-01-01T00:00:00+08:00",
        "channel": "app",
        "proof_ref": "proof-1",
    }


def _visit() -> dict[str, Any]:
    return {
        "visit_id": "V1",
        "hospital_code": "H99990100001",
        "hospital_name": "测试医院一",
        "visit_kind": "inpatient",
        "payer_class": "yibao_city",
        "begin_at": f"{DAY}T09:30:00+08:00",
        "end_at": "2025-03-08T11:30:00+08:00",
        "days": 3,
        "dept_code": "0300",
        "dept_name": "内科",
    }


def bill(lines: int = 9) -> dict[str, Any]:
    """A sound direct-pay bill as JSON-ready data."""
    fee_lines = _fee_lines(lines)
    split = _split(fee_lines)
    return {
        "kind": "direct_pay",
        "patient": {
            "patient_id": "pat-1",
            "name": "测试甲",
            "cert_type": "id_card",
            "cert_no": CERT_NO,
            "gender": "male",
            "birth_date": "1990-03-07",
        },
        "visit": _visit(),
        "diagnoses": [
            {"seq": 1, "is_main": True, "kind": "western", "code": "J06.900", "system": "ICD10-YB", "name": "测试诊断"},
            {
                "seq": 2,
                "is_main": False,
                "kind": "western",
                "code": "J07.900",
                "system": "ICD10-YB",
                "name": "测试诊断",
            },
        ],
        "procedures": [{"code": "00.01", "name": "测试操作", "performed_on": "2025-03-06"}],
        "lines": fee_lines,
        "split": split,
        "invoice": {
            "bill_code": "99000001",
            "bill_no": "0000000001",
            "check_code": "abc123",
            "issued_on": DAY,
            "amount": split["total"],
            "issuer": "测试医院一",
            "kind": "electronic",
        },
        "policies": [_policy()],
        "consent": _consent(),
    }


def edited(edits: dict[str, Any], lines: int = 9) -> dict[str, Any]:
    """A sound bill with some paths (``lines.3.amount``) set to other values."""
    body = copy.deepcopy(bill(lines))
    for path, value in edits.items():
        *way, last = path.split(".")
        node: Any = body
        for step in way:
            node = node[int(step)] if isinstance(node, list) else node[step]
        if isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value
    return body


def submission(edits: dict[str, Any] | None = None, lines: int = 9) -> Submission:
    return msgspec.convert(edited(edits or {}, lines), Submission)
