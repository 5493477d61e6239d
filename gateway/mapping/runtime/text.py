"""Text helpers: escaping for each target, byte widths, identifiers."""

import base64
import re
import uuid
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote, quote_plus

from gateway.mapping.runtime.base import RefusalError

_NAMESPACE = uuid.NAMESPACE_URL
_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_XML_SPECIAL = re.compile(f"[&<>\r{_FORBIDDEN}]")
_XML_ATTRIBUTE = re.compile(f'[&<>"\r\n\t{_FORBIDDEN}]')
_XML_FORBIDDEN = re.compile(f"[{_FORBIDDEN}]")
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
    return _XML_SPECIAL.sub(_entity, value) if _XML_SPECIAL.search(value) else value


def xattr(value: str) -> str:
    """Attribute text, for double quotes; line breaks survive attribute normalisation."""
    return _XML_ATTRIBUTE.sub(_entity, value) if _XML_ATTRIBUTE.search(value) else value


def xcdata(value: str) -> str:
    """A CDATA section; an inner end mark is split over two sections."""
    if _XML_FORBIDDEN.search(value):
        raise RefusalError("the text has a character that XML can't carry")
    return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def encoded64(document: str, encoding: str) -> str:
    """An inner document as Base64 of its bytes. Raises ``RefusalError`` for characters that the encoding lacks."""
    try:
        return base64.b64encode(document.encode(encoding)).decode("ascii")
    except UnicodeEncodeError:
        pass
    raise RefusalError("the inner document has a character that its encoding lacks")


def quoted(value: str) -> str:
    return quote(value, safe="")


def form_text(value: str) -> str:
    return quote_plus(value, safe="")


def pad(value: str, width: int, fill: str) -> str:
    return value.rjust(width, fill)


def pad_right(value: str, width: int, fill: str) -> str:
    return value.ljust(width, fill)


def cut_bytes(value: str, size: int, encoding: str) -> str:
    """At most ``size`` bytes in ``encoding``, whole characters only."""
    data = _bytes(value, encoding)
    return value if len(data) <= size else data[:size].decode(encoding, "ignore")


def pad_bytes(value: str, size: int, encoding: str) -> str:
    """Blanks on the right up to ``size`` bytes in ``encoding``."""
    return value + " " * (size - len(_bytes(value, encoding)))


def _bytes(value: str, encoding: str) -> bytes:
    try:
        return value.encode(encoding)
    except UnicodeEncodeError:
        pass
    raise RefusalError("the text has a character that the encoding lacks")


def uuid5(value: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "urn:lianpei:" + value))


def matches(value: str, pattern: "re.Pattern[str]") -> bool:
    return pattern.fullmatch(value) is not None


def trim(value: str) -> str:
    return value.strip()


def upper(value: str) -> str:
    return value.upper()


def lower(value: str) -> str:
    return value.lower()


def substr(value: str, start: int, length: int) -> str:
    return value[start : start + length]


def replace(value: str, old: str, new: str) -> str:
    return value.replace(old, new)


def join(items: Any, between: str) -> str:
    return between.join(items)


HELPERS: Mapping[str, Any] = {
    "jtext": encode_basestring,
    **{
        function.__name__: function
        for function in (
            *(xtext, xattr, xcdata, encoded64, quoted, form_text, pad, pad_right, cut_bytes, pad_bytes),
            *(uuid5, matches, trim, upper, lower, substr, replace, join),
        )
    },
}
