"""YAML as text with positions: every scalar stays as written, and whatever makes YAML surprising is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from gateway.mapping.errors import Mistake, did_you_mean

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Pos:
    line: int
    column: int

    def shifted(self, offset: int) -> "Pos":
        return Pos(self.line, self.column + offset)


@dataclass(slots=True)
class Scalar:
    text: str
    pos: Pos


@dataclass(slots=True)
class Entry:
    key: str
    pos: Pos
    value: "Node"


@dataclass(slots=True)
class Map:
    pos: Pos
    entries: list[Entry] = field(default_factory=list)

    def get(self, key: str) -> "Node | None":
        return next((e.value for e in self.entries if e.key == key), None)

    def entry(self, key: str) -> Entry | None:
        return next((e for e in self.entries if e.key == key), None)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)


@dataclass(slots=True)
class Seq:
    pos: Pos
    items: list["Node"] = field(default_factory=list)


Node = Scalar | Map | Seq


class Book:
    """Mistakes of one file, gathered while reading and checking it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.remarks: list[Mistake] = []
        """What the check can't decide and leaves to run time: for information, nothing is wrong."""

    def note(self, pos: Pos, code: str, message: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(self.file, pos.line, pos.column, code, message, hint))

    def opaque(self, pos: Pos, message: str) -> None:
        self.remarks.append(Mistake(self.file, pos.line, pos.column, "opaque", message))


def read_yaml(path: Path, book: Book) -> Map | None:
    """The file's root mapping, or None when it can't be read at all (the book says why)."""
    start = Pos(1, 1)
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        book.note(start, "too-large", "a mapping file may have 1 MiB at most")
        return None
    try:
        text = data.decode("utf-8")
        if _surprising(text, book):
            return None
        root = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError:
        book.note(start, "bad-yaml", "the file is not UTF-8")
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        pos = Pos(mark.line + 1, mark.column + 1) if mark else start
        book.note(pos, "bad-yaml", f"not YAML: {error.problem or 'unreadable'}")
        return None
    except (yaml.YAMLError, RecursionError):
        book.note(start, "bad-yaml", "not YAML")
        return None
    node = _node(root, book, 0) if root is not None else None
    if not isinstance(node, Map):
        book.note(start, "bad-shape", "the file must hold one mapping of keys")
        return None
    return node


_SURPRISE = re.compile(r"^\ufeff?%|[&*](?=\S)|!(?!=)", re.MULTILINE)
"""What an anchor, alias, tag or directive must have; only a text that has it is read word by word."""


def _surprising(text: str, book: Book) -> bool:
    """Anchors, aliases and tags: text that means more than it says."""
    if not _SURPRISE.search(text):
        return False
    before = len(book.mistakes)
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken | yaml.DirectiveToken):
            pos = Pos(token.start_mark.line + 1, token.start_mark.column + 1)
            book.note(pos, "yaml-feature", "anchors, aliases, tags and directives are not used here", "quote the text")
    return len(book.mistakes) > before


def _node(raw: yaml.Node, book: Book, depth: int) -> Node:
    pos = Pos(raw.start_mark.line + 1, raw.start_mark.column + 1)
    _untagged(raw, pos, book)
    if depth > MAX_DEPTH:
        book.note(pos, "too-deep", f"nested more than {MAX_DEPTH} levels")
        return Scalar("=", pos)
    if isinstance(raw, yaml.MappingNode):
        return _map(raw, pos, book, depth)
    if isinstance(raw, yaml.SequenceNode):
        return Seq(pos, [_node(item, book, depth + 1) for item in raw.value])
    quoted = 1 if isinstance(raw, yaml.ScalarNode) and raw.style in ("'", '"') else 0
    return Scalar(str(raw.value), pos.shifted(quoted))


def _untagged(raw: yaml.Node, pos: Pos, book: Book) -> None:
    if not raw.tag.startswith("tag:yaml.org,2002:"):
        book.note(pos, "yaml-feature", "anchors, aliases, tags and directives are not used here", "quote the text")


def _map(raw: yaml.MappingNode, pos: Pos, book: Book, depth: int) -> Map:
    entries: list[Entry] = []
    seen: set[str] = set()
    for key_node, value_node in raw.value:
        at = Pos(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if not isinstance(key_node, yaml.ScalarNode):
            book.note(at, "bad-key", "a key must be plain text")
            continue
        _untagged(key_node, at, book)
        key = str(key_node.value)
        if key == "<<":
            book.note(at, "yaml-feature", "merge keys are not used here", "write the keys out")
            continue
        if key in seen:
            book.note(at, "duplicate-key", f"the key {key!r} is said twice")
            continue
        seen.add(key)
        entries.append(Entry(key, at, _node(value_node, book, depth + 1)))
    return Map(pos, entries)


def known_keys(node: Map, allowed: tuple[str, ...], book: Book, where: str) -> None:
    for entry in node:
        if entry.key not in allowed:
            book.note(entry.pos, "unknown-key", f"{where} has no key {entry.key!r}", did_you_mean(entry.key, allowed))


def text_of(node: Node | None, book: Book, what: str) -> str:
    if node is None:
        return ""
    if isinstance(node, Scalar):
        return node.text
    book.note(node.pos, "bad-shape", f"{what} must be plain text")
    return ""
