"""Looks for planted marks in bytes by undoing what could have hidden them: codings, escapes, compression, hashes.

Tokens (``sandbox/hospital/marks.py``) all have one form, so every reading of the bytes is searched once for that form,
however many marks there are. The patient's numbers, days and times are found by their shape and looked up.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

import zstandard

View: TypeAlias = tuple[str, bytes]
_TOKEN = re.compile(rb"MK[0-9]{6}[0-9A-F]{4}[IM]Z")
_HEX = re.compile(rb"[0-9A-Fa-f]{22,}")
_LONG_HEX = re.compile(rb"[0-9a-f]{64,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{15,}")
_DIGITS = re.compile(rb"[0-9]{4}(?:[0-9]{4,}X?|[-/][0-9]{2}[-/][0-9]{2})")
_WIDE = re.compile(rb"(?:[0-9A-Z]\0){8}|(?:\0[0-9A-Z]){8}")
_ESCAPE = re.compile(rb"\\u00([0-9A-Fa-f]{2})|&#x([0-9A-Fa-f]{2});|&#([0-9]{2,3});")
_MOST_OPENED = 1 << 24
_LARGE = 1 << 20
"""From this size on (database files, whose rows are searched by themselves too) one layer is undone instead of two."""
_HASHES = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""Hex digits of a digest -> its name."""


@dataclass(frozen=True)
class Marks:
    """What was planted. ``texts`` maps each token or number to the leaf that it stands in."""

    texts: Mapping[str, str]
    moments: frozenset[str] = frozenset()
    """Days and times of birth and treatment, ISO 8601: searched for where even a time would tell something."""

    @property
    def count(self) -> int:
        return len(self.texts) + len(self.moments)


@dataclass(frozen=True, order=True)
class Finding:
    place: str
    leaf: str
    spelling: str
    mark: str


@dataclass
class Searcher:
    """Made once for all places. ``with_moments`` at a place says that days and times are searched for as well."""

    marks: Marks
    _texts: dict[bytes, str] = field(init=False)
    _moments: dict[bytes, str] = field(init=False)
    _digests: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        assert self.marks.texts, "no mark was planted, so a search would prove nothing"
        self._texts = {
            text.encode(): leaf for text, leaf in self.marks.texts.items() if not _TOKEN.fullmatch(text.encode())
        }
        self._moments = {spelt.encode(): "a day or time" for one in self.marks.moments for spelt in spelt_moments(one)}
        self._digests = {
            hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest(): text
            for name in _HASHES.values()
            for text in self.marks.texts
        }

    def search(self, place: str, data: bytes, *, with_moments: bool = False) -> list[Finding]:
        """Every mark in ``data``, once for each spelling it was found in."""
        depth = 2 if len(data) < _LARGE else 1
        found = {
            Finding(place, leaf, spelling, mark)
            for spelling, view in views(data, depth)
            for mark, leaf in self._marks_in(view, with_moments)
        }
        return sorted(found | {Finding(place, leaf, name, mark) for name, mark, leaf in self._hashed(data)})

    def _marks_in(self, view: bytes, with_moments: bool) -> Iterator[tuple[str, str]]:
        for token in set(_TOKEN.findall(view)):
            # A token that this run did not plant is a leak of another run's data into this place all the same.
            yield token.decode(), self.marks.texts.get(token.decode(), "of another run")
        known = self._texts | self._moments if with_moments else self._texts
        for piece in set(_pieces(view, {len(text) for text in known})) & known.keys():
            yield piece.decode(), known[piece]

    def _hashed(self, data: bytes) -> Iterator[tuple[str, str, str]]:
        for run in set(_HEX.findall(data)):
            text = self._digests.get(run.decode().lower()) if len(run) in _HASHES else None
            if text is not None:
                yield _HASHES[len(run)], text, self.marks.texts[text]


def spelt_moments(iso: str) -> Iterator[str]:
    """How a day or an instant is written in messages: ISO, with a blank, compact, and as seconds since 1970."""
    day = iso[:10]
    yield from (day, day.replace("-", ""), day.replace("-", "/"))
    if len(iso) > 10:
        seconds = int(datetime.fromisoformat(iso).timestamp())
        yield from (str(seconds), str(seconds * 1000))


def views(data: bytes, depth: int = 2) -> Iterator[View]:
    """(how it was read, bytes): the data itself and everything in it with one layer undone, and again ``depth`` - 1 times."""
    yield "as it is", data
    yield "reversed", data[::-1]
    if _WIDE.search(data):
        yield "utf-16", data.replace(b"\0", b"")
    plain = _ESCAPE.sub(_unescaped, unquote_to_bytes(data) if b"%" in data else data)
    if plain != data:
        yield "escaped", plain
    for name, opened in _opened(data):
        for inner, view in views(opened, depth - 1) if depth > 1 else [("as it is", opened)]:
            yield name if inner == "as it is" else f"{name}, {inner}", view


def _opened(data: bytes) -> Iterator[View]:
    """What is coded or compressed in the data, all pieces of a kind together."""
    yield from (("hex", b"\0".join(_unhexed(data))), ("base64", b"\0".join(_unbased(data))))
    for name, magic, opener in (
        ("gzip", b"\x1f\x8b\x08", lambda piece: zlib.decompressobj(31).decompress(piece, _MOST_OPENED)),
        ("zlib", b"\x78\x9c", lambda piece: zlib.decompressobj().decompress(piece, _MOST_OPENED)),
        ("zstd", b"\x28\xb5\x2f\xfd", lambda piece: zstandard.ZstdDecompressor().decompressobj().decompress(piece)),
    ):
        pieces = b"\0".join(_unpacked(data, magic, opener))
        if pieces:
            yield name, pieces


def _unhexed(data: bytes) -> Iterator[bytes]:
    for run in _HEX.findall(data):
        for start in (0, 1):
            even = len(run) - (len(run) - start) % 2
            yield bytes.fromhex(run[start:even].decode())


def _unbased(data: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(data):
        usual = run.replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            piece = usual[start:]
            yield base64.b64decode(piece[: len(piece) - len(piece) % 4])


def _unpacked(data: bytes, magic: bytes, opener: Callable[[bytes], bytes]) -> Iterator[bytes]:
    start = data.find(magic)
    while start >= 0:
        with suppress(zlib.error, zstandard.ZstdError):
            yield opener(data[start:])
        start = data.find(magic, start + 1)


def _unescaped(found: "re.Match[bytes]") -> bytes:
    in_hex = found[1] or found[2]
    number = int(in_hex, 16) if in_hex else int(found[3])
    return bytes([number]) if number < 256 else b""


def _pieces(view: bytes, lengths: Iterable[int]) -> Iterator[bytes]:
    """Every piece of these lengths of every run of digits or of hex digits, wherever it begins in the run."""
    for run in {*_DIGITS.findall(view), *_LONG_HEX.findall(view)}:
        for length in lengths:
            yield from (run[start : start + length] for start in range(len(run) - length + 1))
