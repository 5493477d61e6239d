"""Texts as bytes of an encoding: widths, Base64, percent signs."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from gateway.mapping.encodings import encoded
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.budget import within_width


def cut_bytes(value: str, size: int, encoding: str) -> str:
    """At most ``size`` bytes in ``encoding``, whole characters only."""
    data = _bytes(value, encoding)
    return value if len(data) <= size else data[:size].decode(encoding, "ignore")


def within_bytes(value: str, size: int, encoding: str) -> str:
    """The text itself. Raises ``RefusalError`` when it has more than ``size`` bytes in ``encoding``."""
    if len(_bytes(value, encoding)) > size:
        raise RefusalError(f"the text has more than {size} bytes in {encoding}")
    return value


def pad_bytes(value: str, size: int, encoding: str, fill: str, side: str) -> str:
    """Filled up to ``size`` bytes in ``encoding``; a longer text stays as it is."""
    filling = fill * (within_width(size) - len(_bytes(value, encoding)))
    return filling + value if side == "left" else value + filling


def _bytes(value: str, encoding: str) -> bytes:
    try:
        return value.encode(encoding)
    except UnicodeEncodeError:
        pass
    raise RefusalError("the text has a character that the encoding lacks")


def encoded64(document: str, encoding: str, lacking: str = "strict", kind: str = "xml") -> str:
    """An inner document as Base64 of its bytes. Raises ``RefusalError`` for characters that the encoding lacks."""
    try:
        return base64.b64encode(encoded(document, encoding, lacking, kind)).decode("ascii")
    except UnicodeEncodeError:
        pass
    raise RefusalError("the inner document has a character that its encoding lacks")


def form_bytes(value: str, encoding: str, lacking: str) -> str:
    """A form value whose percent signs spell bytes of another encoding than UTF-8."""
    try:
        return quote_plus(encoded(value, encoding, lacking, "form"), safe="")
    except UnicodeEncodeError:
        pass
    raise RefusalError("the text has a character that the encoding lacks")


HELPERS: Mapping[str, Any] = {
    function.__name__: function for function in (cut_bytes, within_bytes, pad_bytes, encoded64, form_bytes)
}
