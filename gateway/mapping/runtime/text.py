"""Text helpers: escaping for each target, byte widths, identifiers."""

import re
import uuid
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote, quote_plus

from msgspec import UNSET

from gateway.kernel.errors import MessageRefused
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.budget import within_width

_NAMESPACE = uuid.NAMESPACE_URL
_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_XML_SPECIAL = re.compile(f"[&<>\r{_FORBIDDEN}]")
_XML_ATTRIBUTE = re.compile(f'[&<>"\r\n\t{_FORBIDDEN}]')
_XML_FORBIDDEN = re.compile(f"[{_FORBIDDEN}]")
_CSV_SPECIAL = re.compile(r'["\r\n]|^\s|\s$')
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#13;",
    "\n": "&#10;",
    "\t": "&#9;",
}


def _entity(match: re.Match[str]) -> str:
    entity = _ESCAPES.get(match[0])
    if entity is None:
        raise RefusalError("the text has a character that XML can't carry")
    return entity


def xtext(value: str) -> str:
    """Element text. Raises ``RefusalError`` for characters that XML 1.0 can't carry."""
    if value.isprintable() and "&" not in value and "<" not in value and ">" not in value:
        return value  # what XML can't carry is not printable either
    return _XML_SPECIAL.sub(_entity, value)


def xattr(value: str) -> str:
    """Attribute text, for double quotes; line breaks survive attribute normalisation."""
    return _XML_ATTRIBUTE.sub(_entity, value) if _XML_ATTRIBUTE.search(value) else value


def xcdata(value: str) -> str:
    """A CDATA section; an inner end mark is split over two sections."""
    if _XML_FORBIDDEN.search(value):
        raise RefusalError("the text has a character that XML can't carry")
    return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def raw_xml(text: str) -> str:
    """A ready piece of XML, as it is. Raises ``RefusalError`` unless it could stand inside any element."""
    try:
        parse_xml(f"<x>{text}</x>".encode())
        return text
    except (MessageRefused, UnicodeEncodeError):
        pass
    raise RefusalError("the text is no well-formed piece of XML")


def raw_json(text: str) -> str:
    """A ready piece of JSON, as it is. Raises ``RefusalError`` unless it is one value."""
    try:
        strict_json(text.encode())
        return text
    except (MessageRefused, UnicodeEncodeError):
        pass
    raise RefusalError("the text is no JSON")


def names_of(names: frozenset[str]) -> set[str]:
    return set(names)


def member(names: set[str], name: str) -> str:
    """A computed member's name as JSON text. Raises ``RefusalError`` when the object has it already."""
    if name in names:
        raise RefusalError("the object would have a member twice")
    names.add(name)
    return encode_basestring(name)


def csv_cell(text: str, delimiter: str, always: bool) -> str:
    """RFC 4180: quotes around what needs them, a quote inside is doubled. Raises ``RefusalError`` for a NUL."""
    if "\x00" in text:
        raise RefusalError("the text has a character that CSV can't carry")
    if not always and delimiter not in text and not _CSV_SPECIAL.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def filled(text: Any) -> str:
    """A cell that stays empty when its value is absent."""
    return "" if text is UNSET else str(text)


def quoted(value: str) -> str:
    return quote(value, safe="")


def form_text(value: str) -> str:
    return quote_plus(value, safe="")


def pad(value: str, width: int, fill: str) -> str:
    return value.rjust(within_width(width), fill)


def pad_right(value: str, width: int, fill: str) -> str:
    return value.ljust(within_width(width), fill)


def uuid5(value: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "urn:lianpei:" + value))


def trim(value: str) -> str:
    return value.strip()


def upper(value: str) -> str:
    return value.upper()


def lower(value: str) -> str:
    return value.lower()


def substr(value: str, start: int, length: int) -> str:
    return value[start : start + length]


def pieces(value: str, between: str) -> list[str]:
    """An empty text has no pieces. Raises ``RefusalError`` where nothing says what stands between them."""
    if not between:
        raise RefusalError("an empty text can't stand between pieces")
    return value.split(between) if value else []


HELPERS: Mapping[str, Any] = {
    "jtext": encode_basestring,
    **{
        function.__name__: function
        for function in (
            *(xtext, xattr, xcdata, raw_xml, raw_json, names_of, member, csv_cell, filled),
            *(quoted, form_text, pad, pad_right),
            *(uuid5, trim, upper, lower, substr, pieces),
        )
    },
}
