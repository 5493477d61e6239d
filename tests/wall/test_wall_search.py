"""The product's own search: it undoes each coding that it says it undoes, and finds nothing where nothing is."""

import base64
import gzip
import hashlib
import zlib

import pytest
import zstandard

from gateway.cli.wall.search import Marks, Searcher

MARK = "MK0000010001MZ"
TEXT = f"before {MARK} after"
CARD = "999901195002071234"
SEARCHER = Searcher(Marks({MARK: "Diagnosis.name", CARD: "Patient.cert_no"}))


@pytest.mark.parametrize(
    ("reading", "data"),
    [
        ("as it is", TEXT.encode()),
        ("as it is", TEXT.encode("gbk")),
        ("reversed", TEXT.encode()[::-1]),
        ("utf-16", TEXT.encode("utf-16-le")),
        ("utf-16", TEXT.encode("utf-16-be")),
        ("hex", TEXT.encode().hex().encode()),
        ("hex", b"a" + TEXT.encode().hex().upper().encode()),
        *(("base64", base64.b64encode(b"x" * shift + TEXT.encode())) for shift in range(3)),
        ("base64", base64.urlsafe_b64encode(TEXT.encode())),
        ("gzip", b"head" + gzip.compress(TEXT.encode(), mtime=0)),
        ("zlib", zlib.compress(TEXT.encode())),
        ("zstd", zstandard.compress(TEXT.encode())),
        ("base64, gzip", base64.b64encode(gzip.compress(TEXT.encode(), mtime=0))),
        ("escaped", "".join(f"\\u{ord(letter):04x}" for letter in TEXT).encode()),
        ("escaped", "".join(f"&#{ord(letter)};" for letter in TEXT).encode()),
        ("escaped", "".join(f"%{ord(letter):02X}" for letter in TEXT).encode()),
        ("md5", hashlib.md5(MARK.encode()).hexdigest().encode()),
        ("sha256", hashlib.sha256(MARK.encode()).hexdigest().upper().encode()),
    ],
)
def test_a_mark_is_found_however_it_is_written(reading: str, data: bytes) -> None:
    found = SEARCHER.search("place", data)
    assert (reading, "Diagnosis.name", MARK) in {(one.spelling, one.leaf, one.mark) for one in found}


def test_a_number_is_found_inside_a_longer_one() -> None:
    assert [one.leaf for one in SEARCHER.search("place", f"00{CARD}99".encode())] == ["Patient.cert_no"]


def test_a_mark_of_another_run_is_a_leak_too() -> None:
    assert [one.leaf for one in SEARCHER.search("place", b"MK9999990001IZ")] == ["of another run"]


def test_nothing_is_found_where_there_is_nothing() -> None:
    noise = hashlib.shake_256(b"noise").digest(200_000)
    assert SEARCHER.search("place", noise + base64.b64encode(noise) + b"MK000001 0001MZ 99990119500207123") == []


def test_a_search_for_no_marks_is_refused() -> None:
    with pytest.raises(AssertionError, match="prove nothing"):
        Searcher(Marks({}))
