"""A document that came in: bytes to plain data (JSON, CSV, form) or to the root element."""

import csv
import io
import re
from typing import Any
from urllib.parse import parse_qsl

from gateway.kernel.errors import MessageRefused
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import MAX_BYTES, parse_xml
from gateway.mapping.mapfile import Target
from gateway.mapping.records import Records, read_records

PLAIN = frozenset({"json", "csv", "form"})
"""Kinds that are read as plain data; every other is XML."""
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def open_document(document: bytes, target: Target) -> Any:
    """Raises ``MessageRefused`` (``bad-json``, ``bad-xml``, ``bad-text``) for what is not of its kind."""
    if target.decode and not is_utf8(target.decode):
        document = as_utf8(document, target.decode, target.kind)
    if target.kind == "json":
        return strict_json(document)
    if target.kind == "csv":
        return _csv_rows(document, target)
    return dict(_pairs(document)) if target.kind == "form" else parse_xml(document)


def is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def as_utf8(document: bytes, encoding: str, kind: str) -> bytes:
    """The stated encoding counts, whatever the document says of itself."""
    text = _text(document, encoding)
    return (_DECLARATION.sub("", text) if kind not in PLAIN else text).encode("utf-8")


def _text(document: bytes, encoding: str) -> str:
    try:
        if len(document) <= MAX_BYTES:
            return document.decode(encoding)
    except UnicodeDecodeError:
        pass
    raise _refused(f"the document is not {encoding} text")


def _csv_rows(document: bytes, target: Target) -> dict[str, Any]:
    """``{"rows": [{column: text}]}``; without a header line the columns are named 1, 2, 3 …; records: ``{kind: [{…}]}``."""
    if target.records:
        return _by_kind(read_records(_text(document, "utf-8-sig"), target.delimiter))
    lines = csv.reader(io.StringIO(_text(document, "utf-8-sig"), newline=""), delimiter=target.delimiter, strict=True)
    try:
        rows = [row for row in lines if row]
    except csv.Error:
        rows = None
    if rows is None:
        raise _refused("the document is no CSV")
    names = rows.pop(0) if target.header and rows else [str(n + 1) for n in range(max(map(len, rows), default=0))]
    if len(set(names)) < len(names) or any(len(row) > len(names) for row in rows):
        raise _refused("a line of the CSV document does not fit its columns")
    return {"rows": [dict(zip(names, row, strict=False)) for row in rows]}


def _by_kind(records: Records) -> dict[str, Any]:
    found: dict[str, Any] = {kind: [] for kind in records.columns}
    for row in records.rows:
        if row.overfull:
            raise _refused(f"line {row.line} has more cells than columns")
        found[row.kind].append(row.cells)
    return found


def _pairs(document: bytes) -> list[tuple[str, str]]:
    try:
        found = parse_qsl(_text(document, "utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=1000)
    except ValueError:
        found = None
    if found is None or len(dict(found)) < len(found):
        raise _refused("the document is no form, or says a name twice")
    return found


def _refused(rule: str) -> MessageRefused:
    return MessageRefused(rule, code="bad-text", hint="ask the sender which encoding and columns it sends")
