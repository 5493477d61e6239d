"""Which members each call must have, of which type, and from which code list."""

from dataclasses import dataclass
from typing import Any

from gateway.sandbox.common.rules import Violation, words

FEN_LIMIT = 10**15
_SECONDS = range(10**9, 10**10)
"""Epoch seconds of this age: a time in milliseconds lies far outside."""


@dataclass(frozen=True, slots=True)
class Shape:
    texts: tuple[str, ...] = ()
    codes: tuple[tuple[str, frozenset[int]], ...] = ()
    optional_codes: tuple[tuple[str, frozenset[int]], ...] = ()
    amounts: tuple[str, ...] = ()
    """Whole 分."""
    left_out_when_none: tuple[str, ...] = ()
    """Amounts that are absent when there is none; a zero or a null is a mistake."""
    times: tuple[str, ...] = ()
    optional_times: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


_VISIT = ("visitNo", "visitSerialNumber")
_VISIT_TYPE = ("visitType", frozenset({0, 1, 2}))
_CERT_TYPES = frozenset({*range(14), 30})
SHAPES: dict[str, Shape] = {
    "3.2": Shape(
        texts=words("visitNo certNo name tel"),
        codes=(("certType", _CERT_TYPES), ("siHealthType", frozenset(range(8)))),
        optional_codes=(("marriageFlag", frozenset(range(-1, 4))), ("allergyFlag", frozenset({0, 1}))),
    ),
    "3.3": Shape(
        texts=(*_VISIT, "medSelectOffice", "masterDoctor", "visContent"),
        codes=(_VISIT_TYPE, ("inhospStatus", frozenset({0, 1, 2}))),
        optional_codes=(("leaveHospitalStyle", frozenset(range(3))), ("leaveHospitalState", frozenset(range(5)))),
        times=("visitTime",),
        optional_times=("dischargeTime",),
        lists=("admdiagInfo",),
    ),
    "admdiagInfo": Shape(texts=words("recordNumber initDiseaseCode initDiseaseName")),
    "3.4": Shape(texts=(*_VISIT, "principleAction")),
    "3.5": Shape(texts=_VISIT, codes=(("status", frozenset({0, 1})),), lists=("feeList",)),
    "feeList": Shape(texts=("feeRecordNumber",), amounts=("totalAmount",), lists=("feeDetailsList",)),
    "feeDetailsList": Shape(texts=("feeDetailsRecordNumber",), amounts=words("x_amount x_selfBAmount x_selfCAmount")),
    "3.6": Shape(texts=_VISIT, lists=("checkReportList",)),
    "checkReportList": Shape(
        texts=words("checkRecordNumber checkType reportNo objective diagnosticOpinion checkPart"), times=("reportTime",)
    ),
    "3.7": Shape(texts=_VISIT, lists=("examineReportList",)),
    "examineReportList": Shape(
        texts=words("examineRecordNumber examineItem reportNo examineResult unit exceptFlag referenceValue"),
        times=("specimenTime", "examineTime"),
    ),
    "3.8": Shape(texts=_VISIT, lists=("operationList",)),
    "operationList": Shape(
        texts=words("operationRecordNumber operationCode operationName operationProcess operationDoctor"),
        times=("operationTime",),
    ),
    "3.9": Shape(texts=_VISIT, lists=("invoiceList",)),
    "invoiceList": Shape(
        texts=words("invoiceRecordNumber invoiceCode hospitalPayNo"),
        amounts=words("totalAmount totalMedins selfBAmount selfCAmount"),
        times=("invoiceTime",),
    ),
    "4.1": Shape(
        texts=(*_VISIT, "requireCode", "certNo", "hospitalPayNo", "feeRecordNumber"),
        codes=(("visitType", frozenset({0, 1})),),
        amounts=words("totalAmount totalMedins selfBAmount selfCAmount"),
        left_out_when_none=words("accountPayAmnt additionalPayAmnt cisPayAmnt otherSplitAmnt"),
    ),
    "4.3": Shape(texts=words("directPayNo qrCode hospitalCode")),
    "4.4": Shape(texts=words("directPayNo hospitalCode")),
    "4.5": Shape(texts=words("directPayNo hospitalCode")),
    "4.6": Shape(texts=words("directPayNo hospitalCode")),
}


def check(name: str, record: dict[str, Any]) -> None:
    """Raises ``Violation`` 2001 or 2002 with the first member that breaks the shape; lists are checked inside."""
    shape = SHAPES[name]
    for text in shape.texts:
        _require(isinstance(record.get(text), str) and record[text] != "", text)
    for code, table in (*shape.codes, *(pair for pair in shape.optional_codes if pair[0] in record)):
        _require(_is_int(record.get(code)), code)
        if record[code] not in table:
            raise Violation("2002", f"{code}不在代码表内")
    for amount in shape.amounts:
        _require(_is_int(record.get(amount)) and abs(record[amount]) < FEN_LIMIT, amount)
    for amount in shape.left_out_when_none:
        _require(amount not in record or (_is_int(record[amount]) and 0 < record[amount] < FEN_LIMIT), amount)
    for time in (*shape.times, *(one for one in shape.optional_times if one in record)):
        _require(_is_int(record.get(time)) and record[time] in _SECONDS, time)
    for listed in shape.lists:
        _check_list(listed, record.get(listed))
    if name == "3.2":
        _check_card(record)


def _check_list(name: str, listed: Any) -> None:
    _require(isinstance(listed, list) and bool(listed), name)
    for one in listed:
        _require(isinstance(one, dict), name)
        check(name, one)


def _check_card(record: dict[str, Any]) -> None:
    """ "Required but empty" for a person outside 医保 (siHealthType 1)."""
    card = record.get("cardNumber")
    _require(isinstance(card, str) and (card == "") == (record["siHealthType"] == 1), "cardNumber")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _require(holds: bool, name: str) -> None:
    if not holds:
        raise Violation("2001", f"{name}缺失或格式错误")
