"""Rule 19: the resident identity number (GB 11643): 17 digits and a check digit, birth date and sex inside."""

import re
from collections.abc import Iterator
from datetime import date
from operator import mul

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.types import CertType, Gender
from gateway.claims.rules.case import day_in_shanghai
from gateway.claims.rules.finding import Finding, flag, refuse

_FORM = re.compile(r"[0-9]{17}[0-9Xx]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_ZEROS = sum(_WEIGHTS) * ord("0")
OLDEST = date(1850, 1, 1)
"""A birth before this day is a mistake: nobody insured was born then."""


def check_digit(first_17: str) -> str:
    """The 18th character for 17 digits (ISO 7064 MOD 11-2)."""
    return _CHECK_DIGITS[(sum(map(mul, _WEIGHTS, first_17.encode("ascii"))) - _ZEROS) % 11]


def birth_in(number: str) -> date | None:
    """The birth date inside an 18-character number, or None when no such day exists."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def identity_card(s: Submission) -> Iterator[Finding]:
    """Rule 19: a birth date that no living person can have refuses; a number unlike the fields is only flagged."""
    patient = s.patient
    if not OLDEST <= patient.birth_date <= day_in_shanghai(s.visit.begin_at):
        yield refuse("claim-19", ("patient.birth_date",), "出生日期不可能", "the birth date is impossible")
    if patient.cert_type is not CertType.ID_CARD:
        return
    number = patient.cert_no
    if not _FORM.fullmatch(number) or check_digit(number[:17]) != number[17].upper():
        yield flag("claim-19", ("patient.cert_no",), "身份证号校验位不符", "the identity number fails its check digit")
        return
    yield from _agrees(s, number)


def _agrees(s: Submission, number: str) -> Iterator[Finding]:
    patient, born = s.patient, birth_in(number)
    if born is None:
        yield refuse(
            "claim-19",
            ("patient.cert_no",),
            "身份证号中的出生日期不存在",
            "the identity number holds a day that does not exist",
        )
    elif born != patient.birth_date:
        fields = ("patient.cert_no", "patient.birth_date")
        yield flag("claim-19", fields, "身份证号与出生日期不符", "the identity number and the birth date disagree")
    sex = Gender.MALE if int(number[16]) % 2 else Gender.FEMALE
    if patient.gender not in (sex, Gender.UNKNOWN):
        fields = ("patient.cert_no", "patient.gender")
        yield flag("claim-19", fields, "身份证号与性别不符", "the identity number and the sex disagree")
