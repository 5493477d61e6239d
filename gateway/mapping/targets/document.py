"""``$document``: a whole inner document as one value of the outer one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.mapping.errors import MistakeError
from gateway.mapping.functions.widths import known_encoding
from gateway.mapping.mapfile import Target, read_lacking
from gateway.mapping.targets.base import Shape
from gateway.mapping.types import SAFE_TEXT, TEXT
from gateway.mapping.values import BROKEN, Leaf, Scope, Value
from gateway.mapping.yamlfile import Map, Pos, known_keys, text_of

if TYPE_CHECKING:
    from gateway.mapping.targets.base import Tree


@dataclass(frozen=True, slots=True)
class InnerDocument:
    """An inner document that has a schema of its own."""

    kind: str
    schema: str
    encoding: str
    lacking: str
    shape: Shape
    pos: Pos


_KEYS = ("kind", "as", "encoding", "lacking", "declaration", "schema")
_OUTER = ("$document", "$when", "$each", "$let", "$name")


def inner_document(outer: "Tree", node: Map, scope: Scope) -> Value:
    """Build the inner document into a variable; its value is text, or Base64 with ``as: base64``."""
    # Imported late: a document holds trees, and a tree may hold documents.
    from gateway.mapping.targets.csv import CsvTree
    from gateway.mapping.targets.form import FormTree
    from gateway.mapping.targets.json import JsonTree
    from gateway.mapping.targets.xml import XmlTree, declaration

    head = node.get("$document")
    book = outer.unit.book
    if not isinstance(head, Map):
        book.note(node.pos, "bad-shape", "$document needs {kind: xml|json|csv|form, as: text|cdata|base64}")
        return BROKEN
    known_keys(head, _KEYS, book, "$document")
    kind, encoding = text_of(head.get("kind"), book, "kind"), text_of(head.get("encoding"), book, "encoding") or "utf-8"
    lacking = read_lacking(head, kind, book)
    children = Map(node.pos, [entry for entry in node if entry.key not in _OUTER])
    name = outer.unit.temp("p")
    if kind == "json":
        parts, shape = JsonTree(outer.unit, outer.writer).node(children, scope)
    elif kind == "xml":
        parts, shape = XmlTree(outer.unit, outer.writer).root(children, scope)
        if text_of(head.get("declaration"), book, "declaration") == "true":
            parts = [declaration(encoding), *parts]
    elif kind in ("csv", "form"):
        tree = CsvTree if kind == "csv" else FormTree
        parts, shape = tree(outer.unit, outer.writer, Target(kind, head.pos, encoding=encoding)).root(children, scope)
    else:
        book.note(head.pos, "bad-value", "kind is xml, json, csv or form")
        return BROKEN
    outer.writer.put_text(f"{name} = ", parts, "", node.pos)
    outer.unit.leaves[node.pos.key] = Leaf(".".join(outer.path), "$document")
    schema = text_of(head.get("schema"), book, "schema")
    if schema:
        outer.writer.put(f"h_inner.append(({len(outer.unit.inner)}, {name}))", head.pos)
        outer.unit.inner.append(InnerDocument(kind, schema, encoding, lacking, shape, head.pos))
    return _wrapped(outer, head, name, (encoding, lacking, kind))


def _wrapped(outer: "Tree", head: Map, name: str, bytes_: tuple[str, str, str]) -> Value:
    way = text_of(head.get("as"), outer.unit.book, "as") or "text"
    try:
        known_encoding(bytes_[0])
    except MistakeError as wrong:
        outer.wrong(head.pos, wrong.code, wrong.message)
    if way == "base64":
        return Value(f"encoded64({name}, {', '.join(map(repr, bytes_))})", SAFE_TEXT, source="$document")
    if way not in ("text", "cdata"):
        outer.wrong(head.pos, "bad-value", "as is text, cdata or base64")
    return Value(name, TEXT, source="$document")
