"""Which members each message must have, and what they may hold (code tables T1 to T12 of the protocol)."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gateway.kernel.errors import BadMoney
from gateway.kernel.money import Fen, fen_from_yuan
from gateway.sandbox.common.rules import Violation, words
from gateway.sandbox.package.envelope import pick

CREDENTIAL_TYPES = frozenset(words("01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 20 21 90 99"))
GENDERS = frozenset("129")
MEDICAL_TYPES = frozenset(words("11 12 13 14 15 21 22 23 24 31 41"))
INPATIENT_TYPES = frozenset(words("21 22 23 24"))
DISCHARGE_CAUSES = frozenset(words("1 2 3 4 9 10"))
ITEM_CATEGORIES = frozenset(
    words("01 02 03 04 05 06 07 08 09 10 11 12 13 14 16 17 18 19 20 23 24 25 26 27 30 31 32 33 40 60 61 62 99")
)
FLAG = frozenset("01")


@dataclass(frozen=True, slots=True)
class Shape:
    required: tuple[str, ...]
    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stamps: tuple[str, ...] = ()
    """yyyyMMddHHmmss"""
    days: tuple[str, ...] = ()
    """yyyyMMdd"""
    numbers: tuple[str, ...] = ()
    diagnoses: tuple[str, ...] = ()


_PERSON_CODES = {"credentialType": CREDENTIAL_TYPES, "gender": GENDERS}
_PERSON = ("credentialType", "credentialNum", "name", "gender", "birthday")
_VISIT_CODES = {**_PERSON_CODES, "medicalType": MEDICAL_TYPES, "dischCause": DISCHARGE_CAUSES}
AMOUNTS = words(
    "sumMoney selfCareAmount selfAmount inInsureMoney medicareFundCost medicarePayLine hosBearMoney priorBurdenMoney "
    "fundMoney civilServantFundMoney seriousFundMoney accountFundMoney civilSubsidy commercialInsurancePayment "
    "otherFundMoney cashMoney"
)
_SETTLE_CODES = {
    "medicalType": MEDICAL_TYPES,
    "dischCause": DISCHARGE_CAUSES,
    "isMedicalInsuranceSettlement": FLAG,
    "isPaidByDiagnosis": FLAG,
}
_SETTLE = ("medicalNum", "medicalType", "settleDate", "dischDiagnosisList", "sumMoney", "cashMoney", "updateBy")

SHAPES: dict[str, Shape] = {
    "S200": Shape(_PERSON, {**_PERSON_CODES, "treatType": frozenset("12")}, stamps=("queryDate",), days=("birthday",)),
    "S210": Shape(
        ("medicalNum", "medicalType", "treatDate", "inHosClinicalDiagnosis", *_PERSON),
        _VISIT_CODES,
        stamps=("treatDate",),
        days=("birthday", "idDueDay", "guardianBirthday", "guardianIDDueDay"),
        diagnoses=("inHosDiagnosisList",),
    ),
    "S230": Shape(
        ("medicalNum", "medicalType", "inHosClinicalDiagnosis", "name"),
        _VISIT_CODES,
        stamps=("treatDate", "dischDate", "updateDate"),
        diagnoses=("inHosDiagnosisList", "dischDiagnosisList"),
    ),
    "S240": Shape(("medicalNum",)),
    "S250": Shape(
        words(
            "medicalNum recipeSerialNum listCat recipeDate hospitalChargeCode hospitalChargeName price quantity money"
        ),
        {"listCat": frozenset("1234"), "feesGrade": frozenset("123"), "platformItemCat": ITEM_CATEGORIES},
        stamps=("recipeDate",),
        numbers=("selfPayRatio", "medlimitedPrice", "price", "quantity", "money", "hosBearMoney"),
    ),
    "S260": Shape(("medicalNum", "updateDate", "updateBy"), stamps=("updateDate",)),
    "S270": Shape(
        ("settleSerialNum", "revokeDate", "updateBy", "isRetainedFlg"), {"isRetainedFlg": FLAG}, stamps=("revokeDate",)
    ),
    "S290": Shape(
        _SETTLE,
        _SETTLE_CODES,
        stamps=("settleDate", "dischDate"),
        numbers=(*AMOUNTS, "hospitalDay"),
        diagnoses=("dischDiagnosisList",),
    ),
    "S291": Shape(
        (*_SETTLE, "billNum", "businessSerialNum", "commercialInsurancePayment"),
        _SETTLE_CODES,
        stamps=("settleDate", "dischDate"),
        numbers=(*AMOUNTS, "hospitalDay"),
        diagnoses=("dischDiagnosisList",),
    ),
    "S300": Shape(("settleSerialNum",)),
    "S310": Shape(("settleSerialNum", "acceptFlag"), {"acceptFlag": FLAG}),
    "S500": Shape(("tradeDate",), days=("tradeDate",)),
    "S340": Shape(("medicalNum", "hospitalRecordId"), diagnoses=("inHosDiagnosisList", "dischDiagnosisList")),
}


def check(op: str, record: dict[str, Any]) -> None:
    """Raises ``Violation`` with the name of the first member that breaks the message's shape."""
    shape = SHAPES[op]
    for name in shape.required:
        if pick(record, name) in (None, []):
            raise Violation("1000002", f"{name}不能为空")
    for name, table in shape.codes.items():
        _in_table(record, name, table)
    for name in shape.stamps:
        _is_time(record, name, "%Y%m%d%H%M%S")
    for name in shape.days:
        _is_time(record, name, "%Y%m%d")
    for name in shape.numbers:
        number(record, name)
    for name in shape.diagnoses:
        _diagnoses(record, name)
    if op == "S210" and pick(record, "medicalType") in INPATIENT_TYPES and pick(record, "inHospitalNum") is None:
        raise Violation("1000002", "住院就诊的inHospitalNum不能为空")


def number(record: dict[str, Any], name: str) -> Decimal:
    """A JSON number, exact; no value counts as 0."""
    value = pick(record, name)
    if value is None:
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Violation("1000004", f"{name}应为数字")
    return Decimal(value)


def money(record: dict[str, Any], name: str) -> Fen:
    """A JSON number in 元 with at most two decimals, as 分; no value counts as 0."""
    return _fen(name, number(record, name))


def fee_value(record: dict[str, Any]) -> Fen:
    """``feeValue`` is text in 元."""
    value = pick(record, "feeValue")
    if not isinstance(value, str):
        raise Violation("1000004", "feeValue应为文本金额")
    return _fen("feeValue", value)


def _fen(name: str, amount: Decimal | str) -> Fen:
    try:
        return fen_from_yuan(amount)
    except BadMoney as error:
        raise Violation("1000004", f"{name}金额格式错误") from error


def _in_table(record: dict[str, Any], name: str, table: frozenset[str]) -> None:
    value = pick(record, name)
    if value is not None and value not in table:
        raise Violation("1000003", f"{name}不在代码表内")


def _is_time(record: dict[str, Any], name: str, form: str) -> None:
    value = pick(record, name)
    if value is None:
        return
    digits = 14 if "%H" in form else 8
    try:
        well_formed = re.fullmatch(rf"[0-9]{{{digits}}}", value) is not None
        time.strptime(value, form)
    except (TypeError, ValueError):
        well_formed = False
    if not well_formed:
        raise Violation("1000004", f"{name}日期格式错误")


def _diagnoses(record: dict[str, Any], name: str) -> None:
    listed = pick(record, name)
    if listed is None:
        return
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise Violation("1000004", f"{name}应为数组")
    for one in listed:
        if not (pick(one, "diagnosisCode") and pick(one, "diagnosisName")):
            raise Violation("1000002", f"{name}诊断编码与名称不能为空")
        if pick(one, "diagSort") not in ("0", "1"):
            raise Violation("1000003", "diagSort不在代码表内")
