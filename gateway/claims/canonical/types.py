"""Leaf types shared by the model's parts."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

ID = r"^[A-Za-z0-9_.:\-]{1,64}(?!\n)$"
FEN = {"ge": -(10**15), "le": 10**15}
SHA256 = r"^[0-9a-f]{64}(?!\n)$"

Instant: TypeAlias = datetime
Day: TypeAlias = date
Dec: TypeAlias = Decimal
__all__ = ["FEN", "ID", "SHA256", "UNSET", "Day", "Dec", "Instant", "Model", "UnsetType"]


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Base of every canonical object: closed and immutable, a tree without cycles."""


class Gender(StrEnum):
    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"


class CertType(StrEnum):
    ID_CARD = "id_card"
    PASSPORT = "passport"
    HK_MACAO_PERMIT = "hk_macao_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    MILITARY = "military"
    HOUSEHOLD = "household"
    BIRTH = "birth"
    FOREIGN_RESIDENT = "foreign_resident"
    SOCIAL_CARD = "social_card"
    OTHER = "other"


class VisitKind(StrEnum):
    OUTPATIENT = "outpatient"
    EMERGENCY = "emergency"
    OUTPATIENT_CHRONIC = "outpatient_chronic"
    INPATIENT = "inpatient"
    PHARMACY = "pharmacy"


class PayerClass(StrEnum):
    YIBAO_CITY = "yibao_city"
    YIBAO_PROVINCE = "yibao_province"
    RURAL = "rural"
    SELF_PAY = "self_pay"
    PUBLIC = "public"
    OTHER = "other"


class ItemKind(StrEnum):
    DRUG = "drug"
    TREATMENT = "treatment"
    FACILITY = "facility"
    MATERIAL = "material"


class ClassLevel(StrEnum):
    A = "A"
    B = "B"
    C = "C"


class FeeCategory(StrEnum):
    """The 14 national charge classes (med_chrgitm_type 01 to 14)."""

    BED = "01"
    CONSULTATION = "02"
    EXAMINATION = "03"
    LABORATORY = "04"
    TREATMENT = "05"
    SURGERY = "06"
    NURSING = "07"
    MATERIAL = "08"
    WESTERN_DRUG = "09"
    HERBAL = "10"
    PATENT_DRUG = "11"
    GENERAL = "12"
    REGISTRATION = "13"
    OTHER = "14"


class DischargeWay(StrEnum):
    CURED = "cured"
    IMPROVED = "improved"
    TRANSFERRED = "transferred"
    DEAD = "dead"
    INTERIM = "interim"
    OTHER = "other"


class DiagnosisKind(StrEnum):
    WESTERN = "western"
    TCM_MAIN = "tcm_main"
    TCM_SYNDROME = "tcm_syndrome"
    ADMISSION = "admission"
    OTHER = "other"


class InvoiceKind(StrEnum):
    ELECTRONIC = "electronic"
    PAPER = "paper"
    RED = "red"


class BenefitType(StrEnum):
    EXPENSE = "expense"
    FIXED = "fixed"


class ClaimWay(StrEnum):
    DIRECT_PAY = "direct_pay"
    QUICK_CLAIM = "quick_claim"
    BOTH = "both"


class ClaimKind(StrEnum):
    DIRECT_PAY = "direct_pay"
    QUICK_CLAIM = "quick_claim"
    INVESTIGATION = "investigation"


class OrderKind(StrEnum):
    PRE_PRE = "PRE_PRE"
    PRE_POST = "PRE_POST"
    MID = "MID"
    POST_POST = "POST_POST"


class Relation(StrEnum):
    SELF = "self"
    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    OTHER = "other"


def plain(value: Any) -> Any:
    """A model as plain JSON-ready data (Decimal as text, instants as ISO 8601)."""
    return msgspec.to_builtins(value)
