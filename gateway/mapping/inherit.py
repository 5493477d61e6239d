"""What a folder and a file have from elsewhere: a base that they extend by one level, and named blocks that files share.

All of it is done on the YAML tree right after reading, so that whatever comes later sees one plain file.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.mapping.errors import did_you_mean, refuse
from gateway.mapping.merge import merged, placed
from gateway.mapping.yamlfile import Book, Entry, Map, Node, Pos, Scalar, Seq, read_yaml, text_of

MANIFEST = "insurer.yaml"
BLOCKS = "fragments.yaml"
_OWN = frozenset({"mapping", "version", "effective", "tests"})
"""What a file never has from another: who it is and what proves it."""
_MOST_USES, _DEEPEST_USE = 500, 4
_START = Pos(1, 1)
_SAYS_EXTENDS = re.compile(rb"^extends\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lineage:
    """A folder and, where its manifest says ``extends``, the folder that it has everything else from."""

    folder: Path
    base: Path | None = None
    only: frozenset[str] | None = None
    """Acts that are inherited (``inherits`` of the manifest); None means all."""
    blocks: dict[Path, tuple[Map, str]] = field(default_factory=dict, compare=False)
    """Block files and their digests: each is read once for all mapping files of the folder."""

    @property
    def acts_inherited(self) -> bool:
        return self.base is not None and self.only != frozenset()

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.folder, self.base) if self.base else (self.folder,)

    def files(self, besides: frozenset[str]) -> list[Path]:
        """Every mapping file: the folder's own, and the base's for acts that it has no file of."""
        found = [path for path in sorted(self.folder.glob("*.yaml")) if path.name not in besides]
        mine = {act_of(path) for path in found}
        for path in sorted(self.base.glob("*.yaml")) if self.base else ():
            wanted = self.only is None or act_of(path) in self.only
            if wanted and path.name not in besides and act_of(path) not in mine:
                found.append(path)
        return found


def act_of(path: Path) -> str:
    """``settle.yaml`` and ``settle@2.yaml`` are two versions of one act."""
    return path.stem.partition("@")[0]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # longer than a name can be
        return False


def lineage_of(folder: Path, book: Book | None = None) -> Lineage:
    """Reads ``extends`` and ``inherits`` of the manifest; a folder without them extends nothing."""
    path = folder / MANIFEST
    book = book or Book(str(path))
    root = _extending(path, book)
    spelt = root.get("extends") if root else None
    if root is None or spelt is None:
        return Lineage(folder)
    name = text_of(spelt, book, "extends")
    base = folder.parent / name
    if not name or "/" in name or name.startswith(".") or base == folder or not _is_folder(base):
        book.note(spelt.pos, "unknown-file", f"no folder {name!r} beside this one", "extends names a sibling folder")
        return Lineage(folder)
    if _extending(base / MANIFEST, Book("")) is not None:
        book.note(spelt.pos, "extends-twice", f"{name} itself extends another folder", "extend that one")
        return Lineage(folder)
    listed = root.get("inherits")
    only = frozenset(text_of(item, book, "an act") for item in listed.items) if isinstance(listed, Seq) else None
    return Lineage(folder, base, only)


def _extending(path: Path, book: Book) -> Map | None:
    """The file's tree if it extends another; others are not worth the reading."""
    if not path.is_file() or not _SAYS_EXTENDS.search(path.read_bytes()):
        return None
    return read_yaml(path, book)


def inherited_yaml(path: Path) -> Any | None:
    """``insurer.yaml`` or ``faults.yaml`` of a folder that extends another, both in one; None where nothing is extended.

    Every scalar is text. Fault codes belong to answers, so a folder that inherits no act (``inherits: []``) has its own alone.
    Raises ``MappingRefused`` when either file can't be read or the two don't fit together.
    """
    manifest = Book(str(path.parent / MANIFEST))
    lineage = lineage_of(path.parent, manifest)
    refuse(manifest.mistakes)
    if lineage.base is None or (not lineage.acts_inherited and path.name != MANIFEST):
        return None
    book = Book(str(path))
    inherited = lineage.base / path.name
    base = read_yaml(inherited, book, book.opened(str(inherited))) if inherited.is_file() else Map(_START)
    over = read_yaml(path, book) if path.is_file() else Map(_START)
    whole = merged(base, over, book) if base and over else None
    refuse(book.mistakes)
    return plain(whole) if whole else None


def plain(node: Node) -> Any:
    """A tree as dicts, lists and texts."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Seq):
        return [plain(item) for item in node.items]
    return {entry.key: plain(entry.value) for entry in node}


def whole_tree(root: Map, lineage: Lineage, book: Book) -> tuple[Map, Lineage]:
    """A mapping file's tree with the file that it extends and the blocks that it uses; and the folders it is made from."""
    spelt = root.get("extends")
    if spelt is None:
        return _Blocks(lineage, book).expanded(root), lineage
    base, lineage = _extended(text_of(spelt, book, "extends"), spelt.pos, lineage, book)
    blocks = _Blocks(lineage, book)
    own = blocks.expanded(Map(root.pos, [entry for entry in root if entry.key != "extends"]))
    return (merged(blocks.expanded(base), own, book) if base else own), lineage


def _extended(name: str, pos: Pos, lineage: Lineage, book: Book) -> tuple[Map | None, Lineage]:
    """What the named file gives to one that extends it; a sibling folder is then a base of this file."""
    folder, _, act = name.partition("/")
    place = next((found for found in lineage.folders if found.name == folder), None)
    if place is None and lineage.base is None and folder and not folder.startswith("."):
        place = lineage.folder.parent / folder
        lineage = Lineage(lineage.folder, place, blocks=lineage.blocks)
    path = place / f"{act}.yaml" if place and act and "/" not in act else None
    if path is None or not path.is_file() or str(path) == book.file:
        hint = "extends is folder/act, of this folder or of the one that the manifest extends"
        book.note(pos, "unknown-file", f"no mapping {name!r} to extend", hint)
        return None, Lineage(lineage.folder)
    base = read_yaml(path, book, book.opened(str(path)))
    if base is not None and base.get("extends") is not None:
        book.note(pos, "extends-twice", f"{name} itself extends another file", "extend that one")
    kept = [entry for entry in base or () if entry.key not in _OWN | {"extends"}]
    return Map(base.pos, kept) if base else None, lineage


def _uses_blocks(node: Node) -> bool:
    if isinstance(node, Map):
        return any(entry.key == "$use" or _uses_blocks(entry.value) for entry in node.entries)
    return isinstance(node, Seq) and any(map(_uses_blocks, node.items))


@dataclass(slots=True)
class _Blocks:
    """Named blocks of a folder's ``fragments.yaml`` and of its base's; a block of the folder hides the base's of that name."""

    lineage: Lineage
    book: Book
    uses: int = 0

    @property
    def folders(self) -> tuple[Path, ...]:
        return self.lineage.folders

    def expanded(self, node: Map) -> Map:
        if not _uses_blocks(node):
            return node
        found = self._node(node, ())
        assert isinstance(found, Map)
        return found

    def _node(self, node: Node, inside: tuple[tuple[str, int], ...]) -> Node:
        if isinstance(node, Scalar):
            return node
        if isinstance(node, Seq):
            return Seq(node.pos, [self._node(item, inside) for item in node.items])
        used = node.entry("$use")
        if used is None:
            return Map(node.pos, [Entry(e.key, e.pos, self._node(e.value, inside)) for e in node])
        return self._used(node, used, inside)

    def _used(self, node: Map, used: Entry, inside: tuple[tuple[str, int], ...]) -> Node:
        own = Map(node.pos, [entry for entry in node if entry.key != "$use"])
        name = text_of(used.value, self.book, "$use")
        block, level = self._block(name, inside, used)
        here = self._node(own, inside)
        assert isinstance(here, Map)
        if block is None:
            return here
        there = self._node(block, (*inside, (name, level)))
        if isinstance(there, Map):
            return merged(there, here, self.book)
        if here.entries:
            self.book.note(used.pos, "bad-shape", f"the block {name!r} has no keys that could be said anew")
        return there

    def _block(self, name: str, inside: tuple[tuple[str, int], ...], used: Entry) -> tuple[Node | None, int]:
        """The block and the number of its folder. Inside a block of the same name it is the base's."""
        start = max((level + 1 for outer, level in inside if outer == name), default=0)
        for level in range(start, len(self.folders)):
            block = self._blocks(level).get(name)
            if block is not None:
                return self._counted(block, level, used, len(inside)), level
        known = [entry.key for level in range(start, len(self.folders)) for entry in self._blocks(level)]
        message = f"no block {name!r} in {BLOCKS}" if start == 0 else f"the block {name!r} can't use itself"
        self.book.note(used.pos, "unknown-block", message, did_you_mean(name, known))
        return None, 0

    def _counted(self, block: Node, level: int, used: Entry, depth: int) -> Node | None:
        self.uses += 1
        if self.uses > _MOST_USES or depth >= _DEEPEST_USE:
            rule = f"a file may use {_MOST_USES} blocks, and {_DEEPEST_USE} one inside the other"
            self.book.note(used.pos, "too-deep" if depth >= _DEEPEST_USE else "too-large", rule)
            return None
        return placed(block, self.book.opened(str(self.folders[level] / BLOCKS)))

    def _blocks(self, level: int) -> Map:
        path, kept = self.folders[level] / BLOCKS, self.lineage.blocks
        if path not in kept:
            found = read_yaml(path, self.book, self.book.opened(str(path))) if path.is_file() else None
            kept[path] = (found or Map(_START), self.book.digests.get(path, ""))
        blocks, digest = kept[path]
        if digest:
            self.book.digests[path] = digest
        return blocks
