"""Planted marks: identity and medical texts of a bill are replaced by tokens that occur nowhere else.

Whoever finds a token in bytes, rows or logs knows which text got there. Which leaves are planted follows from the labels of
the published model (``labels.py``). Some texts stay because a partner reads them as a code or a rule checks them; of those,
the patient's own numbers are unlike any other's and are searched for as they are.
"""

import copy
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.sandbox.hospital.labels import Form, Leaf, Struct, objects, sensitive_leaves, structs

TOKEN = re.compile(r"MK[0-9]{6}[0-9A-F]{4}[IM]Z")
"""Seed, place in the bill, and whether the text names a person (I) or an illness (M)."""
NUMBERS = frozenset({"Patient.cert_no", "Patient.mobile", "Patient.psn_no"})
"""Stay as they are, and are unique to the patient."""
CODES = frozenset(
    {
        "Patient.insured_area",
        "Diagnosis.system",
        "Diagnosis.admit_condition",
        "Visit.admit_way",
        "Procedure.anaesthesia",
    }
    | {"Policy.insured_ref", "Consent.grantor"}
)
"""Stay as they are: a partner reads a code in them, or they must name somebody of the same bill."""
_ADDED = frozenset({"RecordRef", "MedicalRecord", "ExamReport", "LabResult", "Attachment"})
"""Parts that a sample bill may lack and that change no amount and no way of the claim."""


def is_markable(leaf: Leaf) -> bool:
    """Whether a text of ours can stand in the leaf."""
    return leaf.form is Form.TEXT and leaf.path not in NUMBERS | CODES


def markable_leaves() -> tuple[Leaf, ...]:
    """Every sensitive leaf of the model that holds a mark, a digest or a number that only its patient has."""
    return tuple(
        leaf for leaf in sensitive_leaves() if is_markable(leaf) or leaf.path in NUMBERS or leaf.form is Form.DIGEST
    )


def with_marks(submission: dict[str, Any], seed: int, *, every: bool = False) -> dict[str, Any]:
    """A copy with a token of 14 characters in every identity (``…IZ``) and medical (``…MZ``) text.

    With ``every``, leaves that the bill lacks are filled in first, so that no sensitive leaf of the model is left out.
    """
    marked = copy.deepcopy(submission)
    if every:
        _complete(marked, seed)
    for number, (holder, leaf) in enumerate(_places(marked)):
        holder[leaf.name] = f"MK{seed % 10**6:06d}{number:04X}{leaf.label[0].upper()}Z"
    if "payout_account" in marked:
        marked["payout_account"]["payee_name"] = marked["patient"]["name"]
    return marked


def planted(submission: dict[str, Any]) -> frozenset[str]:
    """Every text of the bill that must not be found where it has no business: tokens, digests and the patient's numbers."""
    return frozenset(where_planted(submission))


def where_planted(submission: dict[str, Any]) -> dict[str, str]:
    """The same, each with the leaf that it stands in, like ``Diagnosis.name``."""
    return {
        str(value[leaf.name]): leaf.path
        for struct, value in objects(submission)
        for leaf in struct.leaves
        if leaf.is_sensitive and leaf.name in value and _is_planted(leaf, value[leaf.name])
    }


def _is_planted(leaf: Leaf, text: Any) -> bool:
    unique = leaf.path in NUMBERS or leaf.form is Form.DIGEST
    return unique or TOKEN.fullmatch(str(text)) is not None


def moments(submission: dict[str, Any]) -> frozenset[str]:
    """Days and times that tell when somebody was born or treated, as they stand in the bill (ISO 8601)."""
    return frozenset(
        value[leaf.name]
        for struct, value in objects(submission)
        for leaf in struct.leaves
        if leaf.is_sensitive and leaf.form in (Form.DAY, Form.INSTANT) and leaf.name in value
    )


def bare_leaves() -> tuple[Leaf, ...]:
    """Sensitive leaves that can hold no mark: codes, numbers and flags. Only the schemas keep them from the payment side."""
    marked = {leaf.path for leaf in markable_leaves()}
    told_by_time = (Form.DAY, Form.INSTANT)
    return tuple(leaf for leaf in sensitive_leaves() if leaf.path not in marked and leaf.form not in told_by_time)


def _places(submission: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Leaf]]:
    for struct, value in objects(submission):
        for leaf in struct.leaves:
            if leaf.is_sensitive and leaf.name in value and is_markable(leaf):
                yield value, leaf


def _complete(submission: dict[str, Any], seed: int) -> None:
    """Give every sensitive leaf that is missing a value of its form."""
    for struct, value in list(objects(submission)):
        _fill(struct, value, submission, seed)
    for struct, value in list(objects(submission)):
        for field, (inner, is_list) in struct.parts.items():
            if inner in _ADDED and not value.get(field):
                part: dict[str, Any] = {}
                _fill(structs()[inner], part, submission, seed)
                value[field] = [part] if is_list else part


def _fill(struct: Struct, value: dict[str, Any], submission: Mapping[str, Any], seed: int) -> None:
    for leaf in struct.leaves:
        wanted = leaf.is_sensitive or (leaf.name in struct.required and struct.name in _ADDED)
        if wanted and leaf.name not in value and leaf.path not in CODES and leaf.form is not Form.CODE:
            value[leaf.name] = _value(leaf, submission, seed)


def _value(leaf: Leaf, submission: Mapping[str, Any], seed: int) -> Any:
    match leaf.form:
        case Form.DIGEST:
            return hashlib.sha256(f"{leaf.path} {seed}".encode()).hexdigest()
        case Form.DAY:
            return str(submission["visit"]["begin_at"])[:10]
        case Form.INSTANT:
            return submission["visit"]["begin_at"]
        case Form.FLAG:
            return False
        case Form.NUMBER:
            return 1
        case _:
            return f"R{seed:06d}"
