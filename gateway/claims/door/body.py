"""What a body must not hold, whatever its format: two meanings, or characters that no insurer's message can carry."""

import re
from typing import TypeVar

import msgspec

from gateway.claims.explain import explain_invalid
from gateway.kernel.errors import BadRequest, InputRefused
from gateway.kernel.strictjson import strict_json, surely_each_key_once

_Body = TypeVar("_Body")
_UNWRITABLE = re.compile(
    rb"(?<!\\)(?:\\\\)*\\(?:[bf]|u00(?:0[0-8bcefBCEF]|1[0-9a-fA-F])|u[fF]{3}[eEfF])",
)
"""Escapes of characters that XML 1.0 forbids (section 2.2). Unescaped ones are no JSON anyway, but for U+FFFE and U+FFFF."""
_LAST_TWO = re.compile(rb"\xef\xbf[\xbe\xbf]")

_RAW = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""The same characters as they stand, in UTF-8: for formats whose own rules let them through."""


def require_writable(body: bytes, kind: str = "json") -> None:
    """Raise ``BadRequest`` (``text-not-allowed``) for characters that no insurer's message can carry; XML has none."""
    if _unwritable_json(body) if kind == "json" else kind in ("csv", "form") and _RAW.search(body):
        raise BadRequest(
            "a text holds a character that no insurer's message can carry",
            code="text-not-allowed",
            hint="Leave out control characters other than tab and line break, and U+FFFE and U+FFFF.",
        )


def _unwritable_json(body: bytes) -> bool:
    """Single bytes are looked for first: that is many times faster than a pattern, and most bodies have neither."""
    at = body.find(b"\xef")
    if at >= 0 and _LAST_TWO.search(body, at):
        return True
    return b"\\" in body and _UNWRITABLE.search(body) is not None


def require_one_meaning(form: str, body: bytes, kept: bytes) -> None:
    """Raise ``MessageRefused`` (``bad-json``) for a key that is said twice; ``kept`` is what the decoder kept of the body.

    The canonical decoder keeps the last of two equal keys; whoever looked at the first would see another bill. The other
    formats' readers check that themselves.
    """
    if form == "canonical" and not surely_each_key_once(body, kept):
        strict_json(body)


def typed_body(
    body: bytes, kind: type[_Body], *, code: str, hint: str, refusal: type[InputRefused] = BadRequest
) -> _Body:
    """A small JSON body as ``kind``: what it says it says once, in characters that can be written, and in the form of ``kind``.

    Raises ``refusal`` (``code``), which names places and rules; ``BadRequest`` (``text-not-allowed``); ``MessageRefused``.
    """
    require_writable(body)
    strict_json(body)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as bad:
        fields = explain_invalid(bad, body, kind)
    raise refusal("the body is not what this route takes", code=code, hint=hint, fields=fields)
