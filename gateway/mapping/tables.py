"""Code tables: text to text, written in the file or in a CSV beside it."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.mapping.inside import file_inside
from gateway.mapping.yamlfile import Book, Entry, Map, Pos, Scalar, known_keys, text_of


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    pos: Pos
    rows: Mapping[str, str]
    places: Mapping[str, Pos]
    default: str | None

    @property
    def outputs(self) -> frozenset[str]:
        return frozenset(self.rows.values()) | ({self.default} if self.default is not None else frozenset())

    def __hash__(self) -> int:
        return hash(self.name)


def read_tables(node: Map | None, folders: tuple[Path, ...], book: Book) -> dict[str, Table]:
    found = {}
    for entry in node or Map(Pos(1, 1)):
        if not isinstance(entry.value, Map):
            book.note(entry.pos, "bad-shape", "a table is a mapping of codes to codes")
            continue
        table = (
            _from_csv(entry, entry.value, folders, book)
            if entry.value.get("$file")
            else _inline(entry, entry.value, book)
        )
        found[entry.key] = table
    return found


def _inline(entry: Entry, node: Map, book: Book) -> Table:
    rows, places, default = {}, {}, None
    for row in node:
        if not isinstance(row.value, Scalar):
            book.note(row.pos, "bad-shape", "a table row is text to text")
        elif row.key == "else":
            default = _code(row.value)
        else:
            rows[row.key], places[row.key] = _code(row.value), row.pos
    return Table(entry.key, entry.pos, rows, places, default)


def _code(node: Scalar) -> str:
    """Rows are plain text; a leading ``=`` is the language's constant mark, so ``=`` alone is the empty text."""
    return node.text.removeprefix("=")


def _from_csv(entry: Entry, node: Map, folders: tuple[Path, ...], book: Book) -> Table:
    """Rows of a CSV file of the folder, or else of the folder that it extends."""
    known_keys(node, ("$file", "$key", "$value", "else"), book, "a table read from a file")
    name, key, value = (text_of(node.get(k), book, k) for k in ("$file", "$key", "$value"))
    fallback = node.get("else")
    default = _code(fallback) if isinstance(fallback, Scalar) else None
    path = next((found for folder in folders if (found := file_inside(folder, name))), None)
    rows: dict[str, str] = {}
    if path is None:
        book.note(entry.pos, "unknown-file", f"no table file {name!r} below the folder")
        return Table(entry.key, entry.pos, rows, {}, default)
    try:
        reader = csv.DictReader(io.StringIO(book.read(path).decode("utf-8-sig"), newline=""), strict=True)
        missing = {key, value} - set(reader.fieldnames or ())
        if missing:
            book.note(entry.pos, "unknown-column", f"{name} has no column {sorted(missing)[0]!r}")
            return Table(entry.key, entry.pos, rows, {}, default)
        for row in reader:
            if row[key] in rows:
                book.note(entry.pos, "duplicate-row", f"{name} has the key of line {reader.line_num} twice")
            rows[row[key] or ""] = row[value] or ""
    except (UnicodeDecodeError, csv.Error):
        book.note(entry.pos, "bad-value", f"{name} is no CSV file in UTF-8")
    return Table(entry.key, entry.pos, rows, dict.fromkeys(rows, entry.pos), default)
