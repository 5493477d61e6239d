"""Lines of a drafted file: YAML that is always well-formed, remarks behind it, and parts that are only offered."""

import re
from dataclasses import dataclass

from gateway.mapping.unconfirmed import MARK

_PLAIN = re.compile(r"[^\s'\"&*!|>%@`\[\]{},#:\-?][^#]*|[?=][^\s#][^#]*")
_WORD = re.compile(r"[A-Za-z_/][\w./\-]*", re.ASCII)
MAX_REMARK = 90


@dataclass(frozen=True, slots=True)
class Line:
    depth: int
    text: str
    remark: str = ""
    offered: bool = False
    """Written as a comment: nothing stands there unless somebody takes it up."""

    def __str__(self) -> str:
        body = "  " * self.depth + ("# " if self.offered else "") + self.text
        return f"{body}  # {self.remark}" if self.remark else body


def scalar(text: str) -> str:
    """Text as a YAML scalar that reads back the same: plain where that is safe, else in quotes."""
    if not text.isprintable():
        return _quoted(text)
    if text.startswith(MARK) and len(text) > 1 and scalar(text[1:]) != text[1:]:
        return _single(text)  # once a person deletes the mark, the rest must still be one scalar
    if text == text.strip() and _PLAIN.fullmatch(text) and ": " not in text and not text.endswith(":"):
        return text
    return _single(text)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(text: str) -> str:
    """In double quotes; what does not print is escaped by its number, which YAML knows beyond 16 bits too."""
    signs = (f"\\{sign}" if sign in '"\\' else sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in text)
    return f'"{"".join(signs)}"'


def flow(pairs: dict[str, str]) -> str:
    """``{a: b, c: d}``; every value that is not a plain word is quoted."""
    return "{" + ", ".join(f"{_flow_scalar(key)}: {_flow_scalar(value)}" for key, value in pairs.items()) + "}"


def _flow_scalar(text: str) -> str:
    return text if _WORD.fullmatch(text) else _quoted(text)


def remark(*words: str) -> str:
    """Remarks in one line, cut where nobody reads on."""
    whole = " · ".join(" ".join(word.split()) for word in words if word.strip())
    whole = "".join(sign for sign in whole if sign.isprintable())
    return whole if len(whole) <= MAX_REMARK else whole[: MAX_REMARK - 1] + "…"
