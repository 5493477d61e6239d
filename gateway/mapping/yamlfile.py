"""YAML as text with positions: every scalar stays as written, and whatever makes YAML surprising is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import yaml

from gateway.mapping.errors import Mistake, did_you_mean

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
STRIDE = MAX_BYTES
"""No file has more lines, so ``line + file * STRIDE`` names a line of any of the files that a mapping is made of."""


class _Loader(yaml.CBaseLoader):
    """Every scalar is text, so that no tag needs to be looked for (``_surprising`` refuses those that are spelt)."""

    def resolve(self, *_node: object) -> str:
        return ""

    def descend_resolver(self, *_place: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


class Pos(NamedTuple):
    line: int
    column: int
    file: int = 0
    """Which of the book's files: 0 is the mapping itself, others are what it extends and the blocks it uses."""

    def shifted(self, offset: int) -> "Pos":
        return Pos(self.line, self.column + offset, self.file) if offset else self

    @property
    def key(self) -> tuple[int, int]:
        """Line and column as one pair that is unique over all files of a mapping."""
        return self.line + self.file * STRIDE, self.column


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
        entry = self.entry(key)
        return entry.value if entry is not None else None

    def entry(self, key: str) -> Entry | None:
        for entry in self.entries:
            if entry.key == key:
                return entry
        return None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)


@dataclass(slots=True)
class Seq:
    pos: Pos
    items: list["Node"] = field(default_factory=list)


Node = Scalar | Map | Seq


class Book:
    """Mistakes of one mapping, gathered while reading and checking the files that it is made of."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.files = [file]
        self.digests: dict[Path, str] = {}
        """Every file that was read, YAML and CSV, by its SHA-256: together they are the content that a pin names."""
        self.mistakes: list[Mistake] = []
        self.remarks: list[Mistake] = []
        """What the check can't decide and leaves to run time: for information, nothing is wrong."""

    def opened(self, file: str) -> int:
        """The number under which positions name one more file."""
        self.files.append(file)
        return len(self.files) - 1

    def read(self, path: Path) -> bytes:
        data = path.read_bytes()
        self.digests[path] = sha256(data).hexdigest()
        return data

    @property
    def digest(self) -> str:
        """The digest of the one file, or of the digests of all in the order of their reading."""
        known = list(self.digests.values())
        return known[0] if len(known) == 1 else sha256("\n".join(known).encode()).hexdigest()

    def note(self, pos: Pos, code: str, message: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(self.files[pos.file], pos.line, pos.column, code, message, hint))

    def opaque(self, pos: Pos, message: str) -> None:
        self.remarks.append(Mistake(self.files[pos.file], pos.line, pos.column, "opaque", message))


def read_yaml(path: Path, book: Book, file: int = 0) -> Map | None:
    """The file's root mapping, or None when it can't be read at all (the book says why). ``file`` is its number in the book."""
    start = Pos(1, 1, file)
    data = book.read(path)
    if len(data) > MAX_BYTES:
        book.note(start, "too-large", "a mapping file may have 1 MiB at most")
        return None
    try:
        text = data.decode("utf-8")
        if _surprising(text, book, file):
            return None
        root = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError:
        book.note(start, "bad-yaml", "the file is not UTF-8")
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        pos = _pos(mark, file) if mark else start
        book.note(pos, "bad-yaml", f"not YAML: {error.problem or 'unreadable'}", _QUOTE_IT)
        return None
    except (yaml.YAMLError, RecursionError):
        book.note(start, "bad-yaml", "not YAML")
        return None
    node = _node(root, book, 0, file) if root is not None else None
    if not isinstance(node, Map):
        book.note(start, "bad-shape", "the file must hold one mapping of keys")
        return None
    return node


_QUOTE_IT = """a value that begins with a quote or a bracket, or holds ': ', is written whole in single quotes"""
_SURPRISE = re.compile(r"^\ufeff?%|[&*](?=\S)|!(?!=)", re.MULTILINE)
"""What an anchor, alias, tag or directive must have; only a text that has it is read word by word."""


def _pos(mark: yaml.Mark, file: int) -> Pos:
    return Pos(mark.line + 1, mark.column + 1, file)


def _surprising(text: str, book: Book, file: int) -> bool:
    """Anchors, aliases and tags: text that means more than it says."""
    if not _SURPRISE.search(text):
        return False
    before = len(book.mistakes)
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken | yaml.DirectiveToken):
            pos = _pos(token.start_mark, file)
            book.note(pos, "yaml-feature", "anchors, aliases, tags and directives are not used here", "quote the text")
    return len(book.mistakes) > before


def _node(raw: yaml.Node, book: Book, depth: int, file: int) -> Node:
    pos = _pos(raw.start_mark, file)
    if isinstance(raw, yaml.ScalarNode) and depth <= MAX_DEPTH:
        return Scalar(str(raw.value), pos.shifted(1) if raw.style in _QUOTES else pos)
    if depth > MAX_DEPTH:
        book.note(pos, "too-deep", f"nested more than {MAX_DEPTH} levels")
        return Scalar("=", pos)
    if isinstance(raw, yaml.MappingNode):
        return _map(raw, pos, book, depth)
    if isinstance(raw, yaml.SequenceNode):
        return Seq(pos, [_node(item, book, depth + 1, file) for item in raw.value])
    raise AssertionError("a node of another kind")


_QUOTES = ("'", '"')


def _map(raw: yaml.MappingNode, pos: Pos, book: Book, depth: int) -> Map:
    entries: list[Entry] = []
    seen: set[str] = set()
    for key_node, value_node in raw.value:
        at = _pos(key_node.start_mark, pos.file)
        if not isinstance(key_node, yaml.ScalarNode):
            book.note(at, "bad-key", "a key must be plain text")
            continue
        key = str(key_node.value)
        if key == "<<":
            book.note(at, "yaml-feature", "merge keys are not used here", "write the keys out")
            continue
        if key in seen:
            book.note(at, "duplicate-key", f"the key {key!r} is said twice")
            continue
        seen.add(key)
        entries.append(Entry(key, at, _node(value_node, book, depth + 1, pos.file)))
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
