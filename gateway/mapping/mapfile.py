"""The parts of a mapping file: which keys it may have and what its header says."""

import re
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path

from gateway.mapping.tables import Table, read_tables
from gateway.mapping.unconfirmed import note_unconfirmed
from gateway.mapping.yamlfile import Book, Map, Node, Pos, Seq, known_keys, read_yaml, text_of

_WRITE_KEYS = (
    *("mapping", "version", "effective", "channel", "source", "target", "http", "protected", "correlation"),
    *("tables", "let", "request", "answer", "callback", "tests"),
)
_READ_KEYS = ("mapping", "version", "effective", "channel", "source", "reads", "tables", "let", "result", "tests")
_TARGET_KEYS = ("kind", "schema", "wsdl", "operation", "encoding", "declaration")
_TEST_KEYS = ("name", "in", "out", "answer", "callback", "result", "reply", "sent", "status", "protected")
_CHANNELS = ("insurer", "hospital", "payment")
_SOURCES = ("dispatch", "order", "none")
_DATES = ("submitted_at", "admitted_at", "discharged_at")
_KINDS = ("json", "xml", "soap11", "form")


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
    tests: list[dict[str, str]] = field(default_factory=list)

    def section(self, key: str) -> Map | None:
        return section(self.root, key, self.book)


def section(node: Map, key: str, book: Book) -> Map | None:
    found = node.get(key)
    if found is None or isinstance(found, Map):
        return found
    book.note(found.pos, "bad-shape", f"{key} is a mapping of keys")
    return None


def read_mapping(path: Path, book: Book, reader: bool) -> MapFile | None:
    """Header and parts of one file; None when nothing can be said about it beyond the book."""
    root = read_yaml(path, book)
    if root is None:
        return None
    known_keys(root, _READ_KEYS if reader else _WRITE_KEYS, book, "a mapping file")
    note_unconfirmed(root, book)
    name = text_of(root.get("mapping"), book, "mapping")
    expected = f"{path.parent.name}/{path.stem}"
    allowed = (expected, path.parent.name) if reader else (expected,)
    if name not in allowed:
        book.note(_pos(root, "mapping"), "wrong-name", f"mapping must be {expected}")
    tables = section(root, "tables", book)
    target = read_target(section(root, "reads" if reader else "target", book), book, root.pos)
    return MapFile(
        *(path, book, root, name, _version(root, book), sha256(path.read_bytes()).hexdigest()),
        _word(root, "channel", _CHANNELS, book),
        _word(root, "source", _SOURCES, book, "none"),
        *(target, read_tables(tables, path.parent, book), _tests(root, book)),
    )


def _pos(node: Map, key: str) -> Pos:
    entry = node.entry(key)
    return entry.value.pos if entry else node.pos


def _version(root: Map, book: Book) -> int:
    spelt = text_of(root.get("version"), book, "version")
    _effective(section(root, "effective", book), book)
    if re.fullmatch(r"[1-9]\d{0,5}", spelt):
        return int(spelt)
    book.note(_pos(root, "version"), "bad-value", "version is a whole number from 1")
    return 0


def _effective(node: Map | None, book: Book) -> None:
    if node is None:
        return
    known_keys(node, ("by", "from", "to"), book, "effective")
    _word(node, "by", _DATES, book)
    for key in ("from", "to"):
        try:
            if node.get(key) is not None:
                date.fromisoformat(text_of(node.get(key), book, key))
        except ValueError:
            book.note(_pos(node, key), "bad-value", f"{key} is a day: 2025-01-31")


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
    texts = {key: text_of(node.get(key), book, key) for key in _TARGET_KEYS}
    kind = _word(node, "kind", _KINDS, book)
    return Target(
        *(kind, node.pos, texts["schema"], texts["wsdl"], texts["operation"], texts["encoding"] or "UTF-8"),
        texts["declaration"] != "false",
    )


def _tests(root: Map, book: Book) -> list[dict[str, str]]:
    node: Node | None = root.get("tests")
    rows = []
    for item in node.items if isinstance(node, Seq) else []:
        if isinstance(item, Map):
            known_keys(item, _TEST_KEYS, book, "a test")
            rows.append({entry.key: text_of(entry.value, book, entry.key) for entry in item})
        else:
            book.note(item.pos, "bad-shape", "a test is {name: …, in: …, out: …}")
    return rows
