"""Lock 5: search everything the payment side emits for planted marks, in every spelling they could have taken.

Use: ``sightings = search(marks, {"channel bytes": data, "log": text, "store": rows})`` and ``assert sightings == []``.
"""

import base64
import gzip
import hashlib
import json
import logging
import traceback
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import zstandard

from gateway.store.api import AnyStore
from gateway.store.tables import Schema


@dataclass(frozen=True)
class Sighting:
    """A mark that got where it has no business; ``place`` is the name of the searched thing."""

    place: str
    mark: str
    spelling: str


def search(marks: Iterable[str], things: Mapping[str, Any]) -> list[Sighting]:
    """Look for every mark in bytes, texts, rows, files (``Path``), log records, errors and any nesting of them."""
    needles = [(mark, spelling, needle) for mark in marks for spelling, needle in spellings(mark)]
    found = []
    for place, thing in things.items():
        data = b"\0".join(_openings(b"\0".join(_bytes_of(thing))))
        found += [Sighting(place, mark, spelling) for mark, spelling, needle in needles if needle in data]
    return found


def spellings(mark: str) -> Iterator[tuple[str, bytes]]:
    """How a text can look after a coding, an escaping or a hash: a hash of personal data is personal data."""
    plain = mark.encode()
    yield "plain", plain
    for codec in ("gbk", "utf-16-le", "utf-16-be"):
        yield codec, mark.encode(codec)
    yield "json escape", json.dumps(mark)[1:-1].encode()
    yield "json escape upper", json.dumps(mark)[1:-1].encode().upper().replace(b"\\U", b"\\u")
    yield "url", quote(mark).encode()
    yield "xml references", "".join(f"&#{ord(letter)};" for letter in mark).encode()
    yield "reversed", mark[::-1].encode()
    yield from _encodings(plain)
    for name in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(name, plain, usedforsecurity=False)
        yield name, digest.hexdigest().encode()
        yield f"{name} raw", digest.digest()
        yield f"{name} base64", base64.b64encode(digest.digest()).rstrip(b"=")


def _encodings(plain: bytes) -> Iterator[tuple[str, bytes]]:
    yield "hex", plain.hex().encode()
    yield "hex upper", plain.hex().upper().encode()
    for shift in range(3):
        # Only the groups that the mark fills alone look the same wherever it stands in a longer text.
        whole = base64.b64encode(b"\0" * shift + plain)
        first, spare = (4 if shift else 0), (shift + len(plain)) % 3
        core = whole[first : len(whole) - 4 if spare else len(whole)]
        yield f"base64 +{shift}", core
        yield f"base64url +{shift}", core.translate(bytes.maketrans(b"+/", b"-_"))


def _bytes_of(thing: Any) -> Iterator[bytes]:
    if isinstance(thing, (bytes, bytearray, memoryview)):
        yield bytes(thing)
    elif isinstance(thing, str):
        yield thing.encode("utf-8", "surrogateescape")
    elif isinstance(thing, Path):
        yield from _files(thing)
    elif isinstance(thing, BaseException):
        yield from _error(thing)
    elif isinstance(thing, logging.LogRecord):
        yield from _bytes_of(vars(thing))
        yield from _bytes_of(thing.getMessage())
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from _bytes_of(key)
            yield from _bytes_of(value)
    elif isinstance(thing, Iterable):
        for item in thing:
            yield from _bytes_of(item)
    else:
        yield repr(thing).encode("utf-8", "backslashreplace")


def _files(path: Path) -> Iterator[bytes]:
    """A file with what lies beside it under its name (a database's log), or a whole folder."""
    beside = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    for file in beside:
        if file.is_file():
            yield file.name.encode()
            yield file.read_bytes()


def _error(error: BaseException) -> Iterator[bytes]:
    """An error with its whole chain and its attributes, as a log would print it."""
    yield "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace")
    link: BaseException | None = error
    while link is not None:
        yield repr((link.args, vars(link))).encode("utf-8", "backslashreplace")
        link = link.__cause__ or link.__context__


def _openings(data: bytes) -> Iterator[bytes]:
    """The data, and every compressed piece in it opened."""
    yield data
    for magic, opener in ((b"\x1f\x8b\x08", _gunzip), (b"\x28\xb5\x2f\xfd", _unzstd), (b"\x78\x9c", _inflate)):
        start = data.find(magic)
        while start >= 0:
            yield opener(data[start:])
            start = data.find(magic, start + 1)


def _gunzip(data: bytes) -> bytes:
    with suppress(zlib.error, gzip.BadGzipFile, EOFError):
        return zlib.decompressobj(31).decompress(data, 1 << 24)
    return b""


def _inflate(data: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(data, 1 << 24)
    return b""


def _unzstd(data: bytes) -> bytes:
    with suppress(zstandard.ZstdError):
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return b""


def rows_of(store: AnyStore, schema: Schema) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, for ``search``."""
    return {table.name: store.find(table.name, {}, limit=10_000) for table in schema.tables}
