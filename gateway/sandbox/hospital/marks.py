"""Planted marks: every identity and medical text of a bill is replaced by a token that occurs nowhere else.

Whoever finds a token in bytes, rows or logs knows which text got there. Values of code tables (diagnosis system, ways
of admission, enumerations), dates and flags stay, since partners refuse unknown ones; certificate number, phone and
医保 person number stay too, because they are already unlike any other's.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

_MEDICAL = {
    "visit": ("dept_code", "dept_name", "inpatient_no", "bed_no", "ward"),
    "diagnoses": ("code", "name"),
    "procedures": ("code", "name", "surgeon_code"),
    "lines": (
        "rx_no", "nat_code", "nat_name", "hosp_code", "hosp_name", "spec", "form", "unit", "dept_code", "dept_name",
        "doctor_code",
    ),
    "report": ("reason_text",),
}  # fmt: skip
_PERSONAL = {
    "patient": ("name",),
    "visit": ("doctor_code", "doctor_name", "operator_name"),
    "procedures": ("surgeon_name",),
    "lines": ("doctor_name",),
}
_RECORD = (
    "record_id", "chief_complaint", "present_illness", "past_illness", "examination", "treatment", "discharge_status",
    "discharge_order",
)  # fmt: skip
TOKEN = re.compile(r"MK[0-9]{6}[0-9A-F]{4}[IM]Z")


def with_marks(submission: dict[str, Any], seed: int) -> dict[str, Any]:
    """A copy with a token of 14 characters in every identity (``…IZ``) and medical (``…MZ``) text."""
    marked = copy.deepcopy(submission)
    for number, (holder, name, label) in enumerate(_places(marked)):
        holder[name] = f"MK{seed % 10**6:06d}{number:04X}{label}Z"
    if "payout_account" in marked:
        marked["payout_account"]["payee_name"] = marked["patient"]["name"]
    return marked


def planted(submission: dict[str, Any]) -> frozenset[str]:
    """Every text of the bill that must not be found where it has no business: tokens and the patient's numbers."""
    tokens = {holder[name] for holder, name, _ in _places(submission) if TOKEN.fullmatch(str(holder[name]))}
    patient = submission["patient"]
    return frozenset(tokens | {patient[name] for name in ("cert_no", "mobile", "psn_no") if name in patient})


def _places(submission: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    for table, label in ((_PERSONAL, "I"), (_MEDICAL, "M")):
        for part, names in table.items():
            for holder in _objects(submission.get(part)):
                yield from ((holder, name, label) for name in names if name in holder)
    record = submission["visit"].get("record", {})
    yield from ((record, name, "M") for name in _RECORD if name in record)
    yield from ((category, "name", "M") for category in submission["split"].get("categories", ()))


def _objects(part: Any) -> list[dict[str, Any]]:
    if part is None:
        return []
    return part if isinstance(part, list) else [part]
