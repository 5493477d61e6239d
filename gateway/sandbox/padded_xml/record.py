"""The host's record behind the XML: every element is a column of so many bytes, and the record is read by position."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.sandbox.common.rules import Violation

MALFORMED = "E0010"
ENCODING = "gbk"
FUNCTION = "CL0001"
_DIGITS = re.compile(rb"[0-9]+")


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    width: int
    """In bytes of GBK."""
    holds: Callable[[bytes], bool]


def _number(raw: bytes) -> bool:
    return _DIGITS.fullmatch(raw) is not None


def _text(raw: bytes) -> bool:
    """Filled, and padded on the right only."""
    return raw[:1] not in (b" ", b"") and b"\x00" not in raw


def _day(raw: bytes) -> bool:
    try:
        return datetime.strptime(raw.decode("ascii"), "%Y%m%d").strftime("%Y%m%d").encode() == raw  # noqa: DTZ007
    except (ValueError, UnicodeDecodeError):
        return False


def _one_of(*values: bytes) -> Callable[[bytes], bool]:
    return frozenset(values).__contains__


def _blank_or_day(raw: bytes) -> bool:
    return not raw.strip() or _day(raw)


AMOUNTS = ("xyao", "zchyao", "zhcyao", "qita")
COLUMNS = (
    Column("SerialNo", 20, lambda raw: _number(raw) and _day(raw[:8])),
    Column("Branch", 8, _text),
    Column("ClaimNo", 32, _text),
    Column("Policy", 30, _text),
    Column("Name", 20, _text),
    Column("Sex", 1, _one_of(b"M", b"F", b"U")),
    Column("IdType", 6, _one_of(b"110001", b"110002", b"110023", b"119999")),
    Column("IdNo", 30, _text),
    Column("Birth", 8, _day),
    Column("Hospital", 60, _text),
    Column("OutDate", 8, _blank_or_day),
    *(Column(name, 13, _number) for name in AMOUNTS),
    Column("Count", 4, _number),
    Column("ApplyAmt", 13, _number),
)
LENGTH = sum(column.width for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class Record:
    serial_no: str
    claim_no: str
    policy_no: str
    total: int
    applied: int
    image: bytes
    """The whole record as the host keeps it, without its serial number."""


def read_record(body: bytes) -> Record:
    """Raises ``Violation`` E0010 with the first column that does not hold."""
    if not re.match(rb"""<\?xml version=["']1\.0["'] encoding=["']gbk["']""", body, re.IGNORECASE):
        raise Violation(MALFORMED, "须声明GBK编码")
    try:
        root = parse_xml(body)
    except MessageRefused as error:
        raise Violation(MALFORMED, "不是XML") from error
    if root.tag != "ReportReq" or tuple(child.tag for child in root) != tuple(one.name for one in COLUMNS):
        raise Violation(MALFORMED, "元素或顺序不正确")
    return _of(b"".join(_column(column, root) for column in COLUMNS))


def _column(column: Column, root: etree._Element) -> bytes:
    raw = (root.findtext(column.name) or "").encode(ENCODING)
    if len(raw) != column.width or not column.holds(raw):
        raise Violation(MALFORMED, f"{column.name}宽度或内容不正确")
    return raw


def _of(image: bytes) -> Record:
    assert len(image) == LENGTH
    cut: dict[str, bytes] = {}
    place = 0
    for column in COLUMNS:
        cut[column.name] = image[place : place + column.width]
        place += column.width
    total, applied = sum(int(cut[name]) for name in AMOUNTS), int(cut["ApplyAmt"])
    if not 0 < applied <= total or not int(cut["Count"]):
        raise Violation(MALFORMED, "ApplyAmt或Count不正确")
    _check_birth(cut)
    serial_no, claim_no, policy_no = (cut[name].decode(ENCODING).rstrip() for name in ("SerialNo", "ClaimNo", "Policy"))
    return Record(serial_no, claim_no, policy_no, total, applied, image[len(cut["SerialNo"]) :])


def _check_birth(cut: dict[str, bytes]) -> None:
    """An identity card carries the day of birth."""
    card = cut["IdNo"].rstrip()
    if cut["IdType"] == b"110001" and re.fullmatch(rb"[0-9]{17}[0-9X]", card) and card[6:14] != cut["Birth"]:
        raise Violation(MALFORMED, "Birth与证件不一致")


def padded(text: str, width: int) -> str:
    """Blanks up to ``width`` bytes of GBK; what is longer is cut between two characters."""
    kept = ""
    for character in text:
        if len((kept + character).encode(ENCODING)) > width:
            break
        kept += character
    return kept + " " * (width - len(kept.encode(ENCODING)))
