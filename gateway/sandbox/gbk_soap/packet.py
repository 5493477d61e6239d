"""The document inside the call: its form by schema, and everything that a schema cannot say."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from lxml import etree

from gateway.kernel.errors import BadMoney, MessageRefused
from gateway.kernel.money import fen_from_yuan
from gateway.kernel.xml import parse_xml
from gateway.sandbox.common.rules import Violation, words
from gateway.sandbox.gbk_soap.words import fen_of

MALFORMED = "02"
_LONGEST_NAME = 20
"""Bytes of GBK: the core system's column."""
_TRADE_NO = re.compile(r"[0-9]{14}[0-9]{4}[0-9]{8}")
_CATEGORIES = frozenset(words("床位费 诊察费 检查费 化验费 治疗费 手术费 护理费 材料费 药品费 其他费"))
_ID_CARD = "0"


@dataclass(frozen=True, slots=True)
class Packet:
    trade_no: str
    claim_no: str
    policy_no: str
    applied: int
    inpatient: bool
    total: int


class Reader:
    def __init__(self, schema: Path) -> None:
        self._schema = etree.XMLSchema(etree.parse(schema))

    def read(self, text: str) -> Packet:
        """Raises ``Violation`` 02 with the first rule that the document breaks."""
        try:
            packet = parse_xml(text.encode("gbk"))
        except (MessageRefused, UnicodeEncodeError) as error:
            raise Violation(MALFORMED, "内层报文不是GBK的XML") from error
        if not self._schema.validate(packet):
            raise Violation(MALFORMED, "内层报文不符合结构")
        return _checked(packet)


def _checked(packet: etree._Element) -> Packet:
    trade_no, total = _text(packet, "HEAD/TRANSRNO"), _fees(packet)
    _require(_TRADE_NO.fullmatch(trade_no) is not None, "TRANSRNO")
    _require(_is_time(_text(packet, "HEAD/TRANSRDATE"), "%Y-%m-%d %H:%M:%S"), "TRANSRDATE")
    _require(0 < len(_text(packet, "BODY/INSURED/NAME").encode("gbk")) <= _LONGEST_NAME, "NAME")
    left = _text(packet, "BODY/OUTDATE")
    _require(left == "" or _is_time(left, "%Y-%m-%d"), "OUTDATE")
    _check_age(packet)
    applied = _fen(packet, "BODY/APPLYAMOUNT")
    _require(0 < applied <= total, "APPLYAMOUNT")
    numbers = _text(packet, "BODY/CLAIMNO"), _text(packet, "BODY/POLICYNO")
    _require(all(numbers), "CLAIMNO")
    return Packet(trade_no, *numbers, applied, _text(packet, "BODY/VISITTYPE") == "2", total)


def _fees(packet: etree._Element) -> int:
    """The total: one row for each category, numbered from 1, adding up to TOTAL, which the words repeat."""
    rows, counted = packet.findall("BODY/FEES/FEE"), packet.xpath("string(BODY/FEES/@count)")
    names = [_text(row, "CATEGORY") for row in rows]
    _require(counted == str(len(rows)) and bool(rows), "count")
    _require([_text(row, "NO") for row in rows] == [str(number + 1) for number in range(len(rows))], "NO")
    _require(len(set(names)) == len(names) and set(names) <= _CATEGORIES, "CATEGORY")
    total = _fen(packet, "BODY/TOTAL")
    _require(sum(_fen(row, "AMOUNT") for row in rows) == total, "TOTAL")
    try:
        _require(fen_of(_text(packet, "BODY/TOTALWORDS")) == total, "TOTALWORDS")
    except ValueError:
        raise _malformed("TOTALWORDS") from None
    return total


def _check_age(packet: etree._Element) -> None:
    """An identity card says when its holder was born: the age must be one that fits a visit before the message."""
    card = _text(packet, "BODY/INSURED/IDNO")
    if _text(packet, "BODY/INSURED/IDTYPE") != _ID_CARD or not re.fullmatch(r"[0-9]{17}[0-9X]", card):
        return
    born = datetime.strptime(card[6:14], "%Y%m%d").date()  # noqa: DTZ007 - a civil day
    sent = datetime.strptime(_text(packet, "HEAD/TRANSRDATE"), "%Y-%m-%d %H:%M:%S").date()  # noqa: DTZ007
    _require(0 <= int(_text(packet, "BODY/INSURED/AGE")) <= _years(born, sent), "AGE")


def _years(born: date, at: date) -> int:
    return at.year - born.year - ((at.month, at.day) < (born.month, born.day))


def _text(element: etree._Element, path: str) -> str:
    return element.findtext(path) or ""


def _fen(element: etree._Element, path: str) -> int:
    text = _text(element, path)
    try:
        _require("." in text and len(text.partition(".")[2]) == 2, path)
        return fen_from_yuan(text)
    except BadMoney as error:
        raise _malformed(path) from error


def _is_time(text: str, form: str) -> bool:
    try:
        return datetime.strptime(text, form).strftime(form) == text  # noqa: DTZ007 - the service has no zones
    except ValueError:
        return False


def _require(holds: bool, path: str) -> None:
    if not holds:
        raise _malformed(path)


def _malformed(path: str) -> Violation:
    return Violation(MALFORMED, f"{path.rpartition('/')[2]}缺失或格式错误")
