"""The search itself: it finds a mark in every spelling it claims to know, and nothing where there is none."""

import base64
import gzip
import hashlib
import logging
import zlib
from pathlib import Path

import pytest
import zstandard
from marks import rows_of, search

from gateway.kernel.errors import BadClaim
from gateway.store.payment_tables import PAYMENT
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

MARK = "MK000001000A张显眼MZ"
TEXT = f"before {MARK} after"


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        TEXT.encode("gbk"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-8").hex(),
        TEXT.encode("utf-8").hex().upper(),
        base64.b64encode(TEXT.encode()),
        base64.b64encode(b"x" + TEXT.encode()),
        base64.b64encode(b"xy" + TEXT.encode()),
        base64.urlsafe_b64encode(MARK.encode()),
        TEXT.encode("ascii", "backslashreplace"),
        TEXT.encode("ascii", "xmlcharrefreplace").replace(b"MK000001000A", b"")
        and "".join(f"&#{ord(c)};" for c in MARK),
        "MK000001000A%E5%BC%A0%E6%98%BE%E7%9C%BCMZ",
        gzip.compress(TEXT.encode(), mtime=0),
        zlib.compress(TEXT.encode()),
        b"head" + zstandard.compress(TEXT.encode()),
        hashlib.sha256(MARK.encode()).hexdigest(),
        hashlib.md5(MARK.encode()).digest(),
        {"a": [{"b": TEXT}]},
        {TEXT: 1},
        MARK[::-1],
    ],
)
def test_a_mark_is_found_however_it_is_spelt(data: object) -> None:
    assert {sighting.mark for sighting in search([MARK], {"place": data})} == {MARK}


def test_a_mark_is_found_down_an_error_chain() -> None:
    try:
        try:
            raise ValueError(TEXT)
        except ValueError:
            raise BadClaim("a rule is broken") from None
    except BadClaim as error:
        found = search([MARK], {"error": error})

    assert found


def test_a_mark_is_found_in_a_log_record_and_in_its_extras() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "said %s", (TEXT,), None)
    extra = logging.LogRecord("x", logging.INFO, "f", 1, "plain", (), None)
    extra.patient = MARK

    assert search([MARK], {"record": record})
    assert search([MARK], {"extra": extra})


async def test_a_mark_is_found_in_a_row_and_in_the_database_file(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "payment.db", PAYMENT)
    unit = Unit()
    unit.insert("setting", name="x", value=MARK)
    await store.commit(unit)
    rows = search([MARK], {"rows": rows_of(store, PAYMENT)})
    await store.close()

    assert rows
    assert search([MARK], {"file": tmp_path / "payment.db"})
    assert search([MARK], {"folder": tmp_path})


def test_nothing_is_found_where_there_is_nothing() -> None:
    clean = {"rows": [{"amount": 1, "blob": b"\0\xff"}], "text": "MK000001000B", "none": None, "error": ValueError("x")}

    assert search([MARK], clean) == []
