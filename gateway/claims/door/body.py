"""What a body must not hold, whatever its format: two meanings, or characters that no insurer's message can carry."""

import re

from gateway.kernel.errors import BadRequest
from gateway.kernel.strictjson import strict_json, surely_each_key_once

_UNWRITABLE = re.compile(
    rb"(?<!\\)(?:\\\\)*\\(?:[bf]|u00(?:0[0-8bcefBCEF]|1[0-9a-fA-F])|u[fF]{3}[eEfF])",
)
"""Escapes of characters that XML 1.0 forbids (section 2.2). Unescaped ones are no JSON anyway."""

_RAW = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""The same characters as they stand, in UTF-8: for formats whose own rules let them through."""

_WHERE = {"json": _UNWRITABLE, "csv": _RAW, "form": _RAW}


def require_writable(body: bytes, kind: str = "json") -> None:
    """Raise ``BadRequest`` (``text-not-allowed``) for characters that no insurer's message can carry; XML has none."""
    pattern = _WHERE.get(kind)
    if pattern is not None and (pattern is _RAW or b"\\" in body) and pattern.search(body):
        raise BadRequest(
            "a text holds a control character",
            code="text-not-allowed",
            hint="Leave out control characters other than tab and line break.",
        )


def require_one_meaning(form: str, body: bytes, kept: bytes) -> None:
    """Raise ``MessageRefused`` (``bad-json``) for a key that is said twice; ``kept`` is what the decoder kept of the body.

    The canonical decoder keeps the last of two equal keys; whoever looked at the first would see another bill. The other
    formats' readers check that themselves.
    """
    if form == "canonical" and not surely_each_key_once(body, kept):
        strict_json(body)
