"""Whatever the data says, it arrives as it was: text through escaping, amounts and numbers to the last digit, instants in zone."""

import json
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.kernel.errors import MessageRefused
from gateway.kernel.money import fen_from_yuan
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml
from gateway.mapping import Incoming, Vocabulary, load_folder
from gateway.mapping.runtime.dates import reader


class Row(msgspec.Struct):
    text: str
    amount: int
    number: Decimal
    at: datetime


class Source(msgspec.Struct):
    rows: tuple[Row, ...]


class Result(msgspec.Struct):
    text: str
    amount: int = 0


FILE = """mapping: demo/{name}
version: 1
channel: insurer
source: dispatch
target: {{kind: {name}}}
http: {{path: /x}}
request:
  root:
    count: count(rows)
    row:
      $each: x in rows
      n: position
      t: x.text
      y: yuan(x.amount)
      d: x.number
      f: number(x.number, 3)
      at: datetime(x.at, "%Y-%m-%d %H:%M:%S")
      z: datetime(x.at, "%Y%m%d%H%M%S", zone="Europe/Berlin")
answer:
  result: {{text: r.text, amount: fen(r.amount)}}
"""


def _acts():
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "demo"
        folder.mkdir()
        for name in ("json", "xml"):
            (folder / f"{name}.yaml").write_text(FILE.format(name=name), "utf-8")
        return load_folder(folder, folder, Vocabulary(Source, Result, frozenset()), {}, frozenset())


ACTS = _acts()
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufffe\uffff\r", min_codepoint=32) | st.sampled_from("\t\n&<>\"'"),
    max_size=40,
)
OFFSETS = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))])
ROWS = st.lists(
    st.builds(
        Row,
        text=XML_TEXT,
        amount=st.integers(-(10**14), 10**14),
        number=st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=5)
        | st.integers(0, 99).map(Decimal),
        at=st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=OFFSETS),  # noqa: DTZ001 - hypothesis adds zones
    ),
    max_size=5,
).map(tuple)


def _expected(index: int, row: Row) -> dict[str, str]:
    half_up = row.number.quantize(Decimal("0.001"), ROUND_HALF_UP)
    return {
        "n": str(index + 1),
        "t": row.text,
        "f": format(half_up, "f"),
        "at": row.at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M:%S"),
        "z": row.at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y%m%d%H%M%S"),
    }


def _holds(made: dict[str, str], index: int, row: Row) -> None:
    expected = _expected(index, row)
    assert expected == {key: made[key] for key in expected}
    assert row.number == Decimal(made["d"])
    assert row.amount == fen_from_yuan(made["y"])


@given(ROWS)
def test_json_says_what_the_source_says(rows):
    document = ACTS["json"].write(Source(rows)).document
    made = json.loads(document, parse_float=str, parse_int=str)["root"]

    assert str(len(rows)) == made["count"]
    for index, (said, row) in enumerate(zip(made["row"], rows, strict=True)):
        _holds(said, index, row)


@given(ROWS)
def test_xml_says_what_the_source_says(rows):
    root = parse_xml(ACTS["xml"].write(Source(rows)).document)

    made = root.findall("row")
    assert len(rows) == len(made)
    for index, (element, row) in enumerate(zip(made, rows, strict=True)):
        _holds({str(child.tag): child.text or "" for child in element}, index, row)


@given(XML_TEXT, st.integers(-(10**12), 10**12))
def test_both_readers_give_back_what_was_written(text, amount):
    spelt = f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"
    root = etree.Element("a")
    etree.SubElement(root, "text").text = text
    etree.SubElement(root, "amount").text = spelt
    document = json.dumps({"text": text, "amount": spelt}).encode()

    expected = {"text": text, "amount": amount}
    assert expected == ACTS["json"].read(Incoming(document))
    assert expected == ACTS["xml"].read(Incoming(etree.tostring(root)))


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 30)))  # noqa: DTZ001 - wall time, the zone is the reader's
def test_a_written_instant_is_read_back(moment):
    zone = ZoneInfo("Asia/Shanghai")
    read = reader("%Y%m%d%H%M%S", zone)(f"{moment.year:04d}{moment:%m%d%H%M%S}")

    assert moment.replace(microsecond=0, tzinfo=zone) == read


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_every_honest_json_document_passes_the_strict_reader(value, ascii_only):
    assert value == strict_json(json.dumps(value, ensure_ascii=ascii_only).encode())


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), JSON, min_size=1, max_size=4))
def test_every_document_with_a_repeated_key_is_refused(value):
    key = next(iter(value))
    twice = json.dumps(value)[:-1] + ", " + json.dumps(key) + ": 0}"
    with pytest.raises(MessageRefused, match="twice"):
        strict_json(twice.encode())
