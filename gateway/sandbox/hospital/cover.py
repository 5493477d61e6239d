"""Policies, consent, invoice and the papers that go with a claim, in canonical form."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.money import Fen
from gateway.sandbox.hospital.persons import Person

CONSENT_TEXT = "示例授权文本：本人同意医院将本次就诊的身份、诊疗和费用信息提供给所列保险公司，用于理赔。"
PURPOSES = ("claim", "payout")
DATA_CLASSES = ("identity", "medical", "financial")
_OUTPATIENT_LIMIT, _INPATIENT_LIMIT = Fen(5_000_000), Fen(200_000_000)


def _midnight(day: date) -> str:
    return datetime.combine(day, datetime.min.time(), SHANGHAI).isoformat()


def policy(
    insurer: str, holder: Person, on: date, *, order_no: int = 1, inpatient: bool = False, policy_no: str = ""
) -> dict[str, Any]:
    """An expense policy in force in the year of ``on``; ``policy_no`` may start with EXPIRED, REFUSE or SLOW."""
    number = policy_no or f"TP{order_no}{insurer.upper()}{holder.psn_no[-8:]}"
    return {
        "insurer_code": insurer,
        "product_code": "inpatient-medical" if inpatient else "outpatient-medical",
        "policy_no": number,
        "customer_no": f"CU{holder.psn_no[-8:]}",
        "insured_ref": holder.patient_id,
        "relation": "self",
        "begin_at": _midnight(date(on.year, 1, 1)),
        "end_at": _midnight(date(on.year + 1, 1, 1)),
        "benefit_type": "expense",
        "residual": _INPATIENT_LIMIT if inpatient else _OUTPATIENT_LIMIT,
        "claim_way": "both",
        "order_no": order_no,
    }


def consent(seed: int, holder: Person, hospital: str, insurers: Sequence[str], given_at: datetime) -> dict[str, Any]:
    """Valid for twenty years from ``given_at``, so that a sample stays usable whatever day it is sent."""
    return {
        "consent_id": f"cns_{seed:08d}",
        "patient_id": holder.patient_id,
        "grantor": "self",
        "hospital_codes": [hospital],
        "insurer_codes": sorted(set(insurers)),
        "purposes": list(PURPOSES),
        "data_classes": list(DATA_CLASSES),
        "text_version": "2025-01",
        "text_sha256": hashlib.sha256(CONSENT_TEXT.encode()).hexdigest(),
        "given_at": given_at.isoformat(),
        "valid_to": (given_at + timedelta(days=20 * 365)).isoformat(),
        "channel": "self-service",
        "proof_ref": f"proof_{seed:08d}",
    }


def invoice(kind_digit: int, seed: int, day: date, amount: int, issuer: str) -> dict[str, Any]:
    """An electronic invoice; ``kind_digit`` keeps the numbers of two stories with one seed apart."""
    number = f"{kind_digit}{seed:09d}"
    return {
        "bill_code": "99990125",
        "bill_no": number,
        "check_code": hashlib.sha256(number.encode()).hexdigest()[:6],
        "issued_on": day.isoformat(),
        "amount": amount,
        "issuer": issuer,
        "kind": "electronic",
    }


def confirmation(seed: int, at: datetime) -> dict[str, Any]:
    return {"method": "qr_code", "token": f"TESTQR{seed:010d}", "confirmed_at": at.astimezone(UTC).isoformat()}


def report(seed: int) -> dict[str, Any]:
    return {"report_no": f"19{seed:017d}", "reason_text": "就诊费用理赔"}


def payout_account(seed: int, holder: Person) -> dict[str, Any]:
    return {"account_token": f"acct_{seed:012d}", "payee_name": holder.name, "bank_code": "TESTBANK"}
