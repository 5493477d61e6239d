"""Any text encoding that Python knows, and what becomes of a character that it lacks."""

import codecs
from collections.abc import Callable

ESCAPE = "escape"


def encoded(text: str, encoding: str, lacking: str, kind: str) -> bytes:
    """``lacking`` is ``strict``, ``escape`` (as the target's ``kind`` spells any character) or ``=`` and the text to put there.

    Raises ``UnicodeEncodeError`` where a character is refused, or where even its replacement is lacking.
    """
    if lacking == ESCAPE:
        return text.encode(encoding, "lianpei-json" if kind == "json" else "xmlcharrefreplace")
    if lacking.startswith("="):
        try:
            return text.encode(encoding)
        except UnicodeEncodeError:
            return _replaced(text, encoding, lacking[1:]).encode(encoding)
    return text.encode(encoding)


def _replaced(text: str, encoding: str, other: str) -> str:
    return "".join([character if _has(encoding, character) else other for character in text])


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _json_escapes(error: UnicodeError) -> tuple[str, int]:
    """``\\uXXXX`` as JSON spells it, two of them for a character beyond the first plane."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2] for at in range(0, len(units), 2))
    return "".join(f"\\u{int.from_bytes(pair):04x}" for pair in pairs), error.end


_register: Callable[[str, Callable[[UnicodeError], tuple[str, int]]], None] = codecs.register_error
_register("lianpei-json", _json_escapes)
