"""Invented people. Region 999901 is given to nobody, so no number made here can belong to a real person."""

from dataclasses import dataclass
from datetime import date, timedelta

REGION = "999901"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_FIRST_BIRTH = date(1950, 1, 1)
_BIRTH_SPAN_DAYS = 18_000


@dataclass(frozen=True, slots=True)
class Person:
    patient_id: str
    name: str
    cert_no: str
    gender: str
    birth_date: date
    mobile: str
    psn_no: str

    def age_on(self, day: date) -> int:
        return day.year - self.birth_date.year - ((day.month, day.day) < (self.birth_date.month, self.birth_date.day))


def check_digit(first17: str) -> str:
    """GB 11643: weighted sum modulo 11."""
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]


def id_card(birth: date, *, male: bool, serial: int) -> str:
    """18 characters; the 17th is odd for men. ``serial`` tells apart up to 500 people of one day and sex."""
    order = (serial % 500) * 2 + (1 if male else 0)
    first17 = f"{REGION}{birth:%Y%m%d}{order:03d}"
    return first17 + check_digit(first17)


def person(seed: int) -> Person:
    """One person per seed: the same seed gives the same person, another seed another certificate number."""
    male = seed % 2 == 1
    birth = _FIRST_BIRTH + timedelta(days=seed * 37 % _BIRTH_SPAN_DAYS)
    name = "测试患者" + _STEMS[seed % 10] + _BRANCHES[seed // 10 % 12]
    return Person(
        patient_id=f"pat_{seed:08d}",
        name=name,
        cert_no=id_card(birth, male=male, serial=seed // _BIRTH_SPAN_DAYS),
        gender="male" if male else "female",
        birth_date=birth,
        mobile=f"199{seed % 10**8:08d}",
        psn_no=f"9999{seed:016d}",
    )
