"""The parts of a mapping file: which keys it may have and what its header says."""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from gateway.mapping.inherit import Lineage, act_of, whole_tree
from gateway.mapping.inside import leads_outside
from gateway.mapping.tables import Table, read_tables
from gateway.mapping.unconfirmed import note_unconfirmed
from gateway.mapping.yamlfile import Book, Map, Node, Pos, Seq, known_keys, read_yaml, text_of

_WRITE_KEYS = (
    *("mapping", "version", "extends", "effective", "channel", "source", "target", "http", "protected", "correlation"),
    *("tables", "let", "request", "answer", "callback", "tests"),
)
_READ_KEYS = (
    "mapping",
    "version",
    "extends",
    "effective",
    "channel",
    "source",
    "reads",
    "tables",
    "let",
    "result",
    "tests",
)
_TARGET_KEYS = (
    *("kind", "schema", "wsdl", "operation", "encoding", "declaration", "declared", "lacking"),
    *("delimiter", "header", "quote", "line_end"),
)
_TEST_KEYS = ("name", "in", "out", "answer", "callback", "result", "reply", "sent", "status", "protected")
_NO_FILES = frozenset({"name", "status"})
_CSV_KEYS = frozenset({"delimiter", "header", "quote", "line_end"})
_MEANT = frozenset("<>&\"'\\,;|%")
_CHANNELS = ("insurer", "hospital", "payment")
_SOURCES = ("dispatch", "order", "none")
_DATES = ("submitted_at", "admitted_at", "discharged_at")
_KINDS = ("json", "xml", "soap11", "soap12", "form", "csv")
SOAP = frozenset({"soap11", "soap12"})


@dataclass(frozen=True, slots=True)
class Target:
    """Format and schema of one direction."""

    kind: str
    pos: Pos
    schema: str = ""
    wsdl: str = ""
    operation: str = ""
    encoding: str = "UTF-8"
    declaration: bool = True
    declared: str = ""
    """The encoding that the document names, where a partner names another than that of its bytes."""
    lacking: str = "strict"
    """What becomes of a character that the encoding lacks: ``strict`` (refused), ``escape``, or the text to put there."""
    decode: str = ""
    """Reading: the encoding of the bytes, whatever the document says of itself."""
    delimiter: str = ","
    header: bool = True
    records: bool = False
    """CSV that is read: rows of several kinds, each with a header line of its own."""
    quote_all: bool = False
    line_end: str = "\r\n"


@dataclass(frozen=True, slots=True)
class Effective:
    """From which to which day a version is in force, and by which day of a claim; both ends belong to it."""

    by: str
    pos: Pos
    start: date = date.min
    end: date = date.max

    def covers(self, day: date) -> bool:
        return self.start <= day <= self.end


@dataclass(slots=True)
class MapFile:
    path: Path
    book: Book
    root: Map
    name: str
    version: int
    digest: str
    channel: str
    source: str
    target: Target
    tables: dict[str, Table]
    effective: Effective | None = None
    tests: list[dict[str, str]] = field(default_factory=list)

    def section(self, key: str) -> Map | None:
        return section(self.root, key, self.book)


def section(node: Map, key: str, book: Book) -> Map | None:
    found = node.get(key)
    if found is None or isinstance(found, Map):
        return found
    book.note(found.pos, "bad-shape", f"{key} is a mapping of keys")
    return None


def read_mapping(path: Path, book: Book, reader: bool, lineage: Lineage | None = None) -> MapFile | None:
    """Header and parts of one file; None when nothing can be said about it beyond the book."""
    root = read_yaml(path, book)
    if root is None:
        return None
    lineage = lineage or Lineage(path.parent)
    root, lineage = whole_tree(root, lineage, book)
    known_keys(root, _READ_KEYS if reader else _WRITE_KEYS, book, "a mapping file")
    note_unconfirmed(root, book)
    tables = read_tables(section(root, "tables", book), lineage.folders, book)
    target = read_target(section(root, "reads" if reader else "target", book), book, root.pos)
    return MapFile(
        *(path, book, root, _name(root, path, reader, lineage, book), _version(root, path, book), book.digest),
        _word(root, "channel", _CHANNELS, book),
        _word(root, "source", _SOURCES, book, "none"),
        *(target, tables, _effective(section(root, "effective", book), book)),
        tests=_tests(root, path.parent, book) if path.parent == lineage.folder else [],
    )


def _name(root: Map, path: Path, reader: bool, lineage: Lineage, book: Book) -> str:
    """``folder/act``. A file that is inherited as it is keeps its own name and serves under the heir's."""
    name = text_of(root.get("mapping"), book, "mapping")
    expected = f"{path.parent.name}/{act_of(path)}"
    if name not in ((expected, path.parent.name) if reader else (expected,)):
        book.note(_pos(root, "mapping"), "wrong-name", f"mapping must be {expected}")
    return name if path.parent == lineage.folder else f"{lineage.folder.name}/{act_of(path)}"


def _pos(node: Map, key: str) -> Pos:
    entry = node.entry(key)
    return entry.value.pos if entry else node.pos


def _version(root: Map, path: Path, book: Book) -> int:
    spelt = text_of(root.get("version"), book, "version")
    _, marked, number = path.stem.partition("@")
    if marked and number != spelt:
        book.note(_pos(root, "version"), "wrong-name", f"the file's name says version {number}")
    if re.fullmatch(r"[1-9]\d{0,5}", spelt):
        return int(spelt)
    book.note(_pos(root, "version"), "bad-value", "version is a whole number from 1")
    return 0


def _effective(node: Map | None, book: Book) -> Effective | None:
    if node is None:
        return None
    known_keys(node, ("by", "from", "to"), book, "effective")
    start, end = _day(node, "from", date.min, book), _day(node, "to", date.max, book)
    if start > end:
        book.note(_pos(node, "to"), "bad-value", "to is a day after from")
    return Effective(_word(node, "by", _DATES, book), node.pos, start, end)


def _day(node: Map, key: str, default: date, book: Book) -> date:
    try:
        return default if node.get(key) is None else date.fromisoformat(text_of(node.get(key), book, key))
    except ValueError:
        book.note(_pos(node, key), "bad-value", f"{key} is a day: 2025-01-31")
        return default


def _word(node: Map, key: str, words: tuple[str, ...], book: Book, default: str = "") -> str:
    word = text_of(node.get(key), book, key) or default
    if word not in words:
        book.note(_pos(node, key), "bad-value", f"{key} is {', '.join(words)}")
    return word


def read_target(node: Map | None, book: Book, pos: Pos, default: str = "json") -> Target:
    """``{kind: json, schema: …}``; without the key the default kind and no schema."""
    if node is None:
        return Target(default, pos)
    known_keys(node, _TARGET_KEYS, book, "target")
    texts = {key: text_of(node.get(key), book, key) for key in _TARGET_KEYS if key != "lacking"}
    kind = _word(node, "kind", _KINDS, book)
    if kind != "csv" and (odd := next((e for e in node if e.key in _CSV_KEYS), None)):
        book.note(odd.pos, "unknown-key", f"only a csv target has {odd.key}")
    header = _word(node, "header", ("true", "false", "records"), book, "true")
    return Target(
        *(kind, node.pos, texts["schema"], texts["wsdl"], texts["operation"], texts["encoding"] or "UTF-8"),
        *(texts["declaration"] != "false", texts["declared"], read_lacking(node, kind, book), texts["encoding"]),
        *(_delimiter(node, book), header == "true", header == "records"),
        _word(node, "quote", ("needed", "always"), book, "needed") == "always",
        {"crlf": "\r\n", "lf": "\n"}.get(_word(node, "line_end", ("crlf", "lf"), book, "crlf"), "\r\n"),
    )


def _delimiter(node: Map, book: Book) -> str:
    spelt = text_of(node.get("delimiter"), book, "delimiter") or ","
    known = {"tab": "\t"}.get(spelt, spelt)
    if len(known) != 1 or known in '"\r\n':
        book.note(_pos(node, "delimiter"), "bad-value", "delimiter is one character, or tab")
    return known


def read_lacking(node: Map, kind: str, book: Book) -> str:
    """``refuse`` (default), ``escape`` where the format has a way to spell any character, or ``{replace: "?"}``."""
    spelt = node.get("lacking")
    if isinstance(spelt, Map):
        known_keys(spelt, ("replace",), book, "lacking")
        other = text_of(spelt.get("replace"), book, "replace")
        if set(other) & _MEANT or not other.isprintable():
            book.note(spelt.pos, "bad-value", "the replacement has a character that formats give a meaning")
        return "=" + other
    word = _word(node, "lacking", ("refuse", "escape"), book, "refuse")
    if word == "escape" and kind in ("csv", "form"):
        book.note(_pos(node, "lacking"), "bad-value", f"{kind} has no escape for a character", 'use {replace: "?"}')
    return "escape" if word == "escape" else "strict"


def _tests(root: Map, folder: Path, book: Book) -> list[dict[str, str]]:
    node: Node | None = root.get("tests")
    rows = []
    for item in node.items if isinstance(node, Seq) else []:
        if isinstance(item, Map):
            known_keys(item, _TEST_KEYS, book, "a test")
            rows.append({entry.key: text_of(entry.value, book, entry.key) for entry in item})
            if any(leads_outside(folder, name) for key, name in rows[-1].items() if key not in _NO_FILES):
                book.note(item.pos, "unknown-file", "an example that is not below the folder")
        else:
            book.note(item.pos, "bad-shape", "a test is {name: …, in: …, out: …}")
    return rows
