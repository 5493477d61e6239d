"""One layout for mapping files, comments kept where they stand. What is said before is said after, or nothing is written."""

import io
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.resolver import VersionedResolver

from gateway.mapping.errors import MistakeError
from gateway.mapping.yamlfile import Book, Map, Node, Scalar, read_yaml

WIDTH = 160
"""A flow mapping that would be wider is written as a block."""
_MAX_PASSES = 4


class _TextResolver(VersionedResolver):
    """No types: every scalar stays as it is written, ``01`` and ``12:30`` too."""

    @property
    def versioned_resolver(self) -> dict[str, Any]:
        return {}


def formatted(text: str) -> str:
    """The canonical layout of one file. Raises ``MistakeError`` when it is no mapping file or its meaning would change."""
    before = meaning(text)
    for _ in range(_MAX_PASSES):
        text, last = _pass(text), text
        if text == last:
            break
    else:
        raise MistakeError("bad-yaml", "this file finds no layout that stays")
    if meaning(text) != before:
        raise MistakeError("bad-yaml", "this file can't be laid out without a change of meaning")
    return text


def meaning(text: str) -> object:
    """What a file says: keys, texts and order, without layout and comments. Raises ``MistakeError``."""
    book = Book("")
    with tempfile.TemporaryDirectory() as aside:
        path = Path(aside) / "file.yaml"
        path.write_bytes(text.encode())
        root = read_yaml(path, book)
    for first in book.mistakes:
        raise MistakeError(first.code, f"{first.line}:{first.column} {first.message}", first.hint)
    return _said(root) if root is not None else None


def _said(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Map):
        return tuple((entry.key, _said(entry.value)) for entry in node)
    return [_said(item) for item in node.items]


def _pass(text: str) -> str:
    yaml = YAML()
    yaml.Resolver = _TextResolver
    yaml.preserve_quotes = True
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.width = 10**6
    yaml.indent(mapping=2, sequence=4, offset=2)
    try:
        root: Any = yaml.load(text)
        _widths(root, 0)
        out = io.StringIO()
        yaml.dump(root, out)
    except YAMLError as error:
        raise MistakeError("bad-yaml", f"not YAML: {type(error).__name__}") from None
    lines = [line.rstrip() for line in out.getvalue().split("\n")]
    return "\n".join(_few_blanks(lines)).strip("\n") + "\n"


def _few_blanks(lines: list[str]) -> list[str]:
    return [line for index, line in enumerate(lines) if line or index == 0 or lines[index - 1]]


def _widths(node: Any, column: int) -> None:
    """Flow nodes that do not fit on their line become blocks, from the outside in."""
    if not isinstance(node, CommentedMap | CommentedSeq):
        return
    if node.fa.flow_style() and len(node) and column + _width(node) > WIDTH:
        node.fa.set_block_style()
    pairs = node.items() if isinstance(node, CommentedMap) else enumerate(node)
    for key, inner in pairs:
        lead = len(str(key)) + 2 if isinstance(node, CommentedMap) else 2
        _widths(inner, column + 2 + (lead if _is_flow(inner) else 0))


def _is_flow(node: Any) -> bool:
    return isinstance(node, CommentedMap | CommentedSeq) and bool(node.fa.flow_style())


def _width(node: Any) -> int:
    if isinstance(node, CommentedMap):
        return 2 + sum(_width(key) + 2 + _width(inner) + 2 for key, inner in node.items())
    if isinstance(node, CommentedSeq):
        return 2 + sum(_width(inner) + 2 for inner in node)
    return len(str(node)) + (2 if type(node) is not str else 0)
