"""Suggestions: a value that begins with ``?`` was drafted by `lianpei map new` and never loads until a person confirms it."""

from typing import Any

from gateway.mapping.errors import MistakeError
from gateway.mapping.yamlfile import Book, Map, Node, Scalar

MARK = "?"
_MESSAGE = "a suggestion that nobody has confirmed"
_HINT = "compare it with the partner's paper, mend it, and delete the ?"


def note_unconfirmed(node: Node, book: Book) -> None:
    """Every suggestion of a file, wherever it stands: in trees, tables, headers and tests."""
    if isinstance(node, Scalar):
        if node.text.startswith(MARK):
            book.note(node.pos, "unconfirmed", _MESSAGE, _HINT)
        return
    # `lacking: {replace: "?"}` names a character, and the usual one is this.
    inside = [entry.value for entry in node if entry.key != "lacking"] if isinstance(node, Map) else node.items
    for inner in inside:
        note_unconfirmed(inner, book)


def refuse_suggestion(text: str) -> None:
    """Raises ``MistakeError`` where an expression is only a suggestion."""
    if text.startswith(MARK):
        raise MistakeError("unconfirmed", _MESSAGE, _HINT)


def unconfirmed_in(data: Any, path: str = "") -> list[str]:
    """Dotted paths of the suggestions in plain data (a manifest)."""
    if isinstance(data, str):
        return [path] if data.startswith(MARK) else []
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, inner in pairs for found in unconfirmed_in(inner, f"{path}.{key}" if path else str(key))]
