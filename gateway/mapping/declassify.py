"""Declassification: the one central file that takes a label from a field for one mapping, with a reason and an end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.labels import Label
from gateway.mapping.errors import Mistake, did_you_mean
from gateway.mapping.yamlfile import Book, Map, Pos, Seq, known_keys, read_yaml, text_of

FILE = Path(__file__).with_name("declassify.yaml")
_KEYS = ("field", "mapping", "label", "reason", "decided", "until")


@dataclass(frozen=True, slots=True)
class Policy:
    """The file's rows, and what is wrong with it: while anything is, no mapping loads."""

    rows: Mapping[str, Mapping[str, frozenset[str]]]
    """Mapping name to field (``Visit.visit_id``) to the labels taken from it."""
    mistakes: tuple[Mistake, ...] = ()

    def of(self, mapping: str) -> Mapping[str, frozenset[str]]:
        return self.rows.get(mapping, {})


def central_policy() -> Policy:
    """The policy of this installation, as it holds today."""
    return _read(FILE, datetime.now(SHANGHAI).date())


@cache
def _read(path: Path, today: date) -> Policy:
    return read_policy(path, today)


def read_policy(path: Path, today: date) -> Policy:
    """Rows that have not ended on ``today``; an ended one is told, so that somebody decides anew."""
    book = Book(str(path))
    root = read_yaml(path, book)
    found: dict[str, dict[str, frozenset[str]]] = {}
    known_keys(root or Map(Pos(1, 1)), ("rows",), book, "the declassification file")
    listed = root.get("rows") if root is not None else None
    for item in listed.items if isinstance(listed, Seq) else ():
        if isinstance(item, Map):
            _row(item, today, found, book)
        else:
            book.note(item.pos, "bad-declassification", "a row is {field, mapping, label, reason, decided, until}")
    return Policy(found, tuple(book.mistakes))


def _row(node: Map, today: date, found: dict[str, dict[str, frozenset[str]]], book: Book) -> None:
    before = len(book.mistakes)
    known_keys(node, _KEYS, book, "a row")
    said = {key: text_of(node.get(key), book, key).strip() for key in _KEYS}
    for key in _KEYS:
        if not said[key]:
            book.note(node.pos, "bad-declassification", f"the row has no {key}")
    if said["label"] not in (*Label, ""):
        hint = did_you_mean(said["label"], list(Label))
        book.note(node.pos, "bad-declassification", f"{said['label']!r} is no label", hint)
    days = [_day(said[key], node, book) for key in ("decided", "until")]
    if days[1] is not None and days[1] < today:
        book.note(node.pos, "bad-declassification", "the row has ended", "decide anew, or take the field out")
    if len(book.mistakes) == before:
        fields = found.setdefault(said["mapping"], {})
        fields[said["field"]] = fields.get(said["field"], frozenset()) | {said["label"]}


def _day(spelt: str, node: Map, book: Book) -> date | None:
    try:
        return date.fromisoformat(spelt) if spelt else None
    except ValueError:
        book.note(node.pos, "bad-declassification", f"{spelt!r} is no day: 2025-01-31")
        return None
