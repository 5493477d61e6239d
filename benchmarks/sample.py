"""The bill of the benchmark: 30 fee lines, self-pay, one policy; every number ties out."""

import json
from typing import Any

LINES = 30
_DAY = "2025-03-05"


def _line(number: int, visit_id: str) -> dict[str, Any]:
    return {
        "line_no": f"{visit_id}-{number:03d}",
        "occurred_at": f"{_DAY}T09:{number:02d}:00+08:00",
        "item_kind": "drug",
        "fee_category": "09",
        "hosp_code": f"YN{number:05d}",
        "hosp_name": f"测试西药{number}",
        "price": f"{number}.35",
        "qty": "2",
        "amount": (number * 100 + 35) * 2,
    }


def submission(serial: int) -> dict[str, Any]:
    """One canonical Submission; ``serial`` makes its numbers unique."""
    visit_id = f"BN{serial:010d}"
    lines = [_line(number, visit_id) for number in range(1, LINES + 1)]
    total = sum(line["amount"] for line in lines)
    return {
        "kind": "direct_pay",
        "patient": {
            "patient_id": f"pat_{serial}",
            "name": "测试患者甲",
            "cert_type": "id_card",
            "cert_no": "999901198503120012",
            "gender": "male",
            "birth_date": "1985-03-12",
        },
        "visit": {
            "visit_id": visit_id,
            "hospital_code": "H99990100003",
            "hospital_name": "测试医院三",
            "visit_kind": "outpatient",
            "payer_class": "self_pay",
            "begin_at": f"{_DAY}T09:00:00+08:00",
            "end_at": f"{_DAY}T10:00:00+08:00",
            "dept_code": "A03",
            "dept_name": "内科",
        },
        "diagnoses": [
            {
                "seq": 1,
                "is_main": True,
                "kind": "western",
                "code": "J06.900",
                "system": "ICD-10-YB",
                "name": "急性上呼吸道感染",
            }
        ],
        "lines": lines,
        "split": {"total": total, "fund_total": 0, "account_pay": 0, "cash_pay": total},
        "policies": [
            {
                "insurer_code": "bench",
                "product_code": "outpatient",
                "policy_no": f"TESTP{serial:08d}",
                "insured_ref": f"pat_{serial}",
                "relation": "self",
                "begin_at": "2025-01-01T00:00:00+08:00",
                "end_at": "2026-01-01T00:00:00+08:00",
                "benefit_type": "expense",
                "claim_way": "both",
                "order_no": 1,
            }
        ],
        "consent": {
            "consent_id": f"cns_{serial}",
            "patient_id": f"pat_{serial}",
            "grantor": "self",
            "hospital_codes": ["H99990100003"],
            "insurer_codes": ["bench"],
            "purposes": ["claim"],
            "data_classes": ["identity", "medical", "financial"],
            "text_version": "1",
            "text_sha256": "0" * 64,
            "given_at": f"{_DAY}T08:00:00+08:00",
            "valid_to": "2045-01-01T00:00:00+08:00",
            "channel": "app",
            "proof_ref": "proof1",
        },
    }


def body(serial: int) -> bytes:
    return json.dumps(submission(serial), ensure_ascii=False, separators=(",", ":")).encode()
