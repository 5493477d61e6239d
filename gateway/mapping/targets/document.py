"""``$document``: a whole inner document as one value of the outer one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.mapping.errors import MistakeError
from gateway.mapping.functions.text import known_encoding
from gateway.mapping.targets.base import Shape
from gateway.mapping.types import SAFE_TEXT, TEXT
from gateway.mapping.values import BROKEN, Scope, Value
from gateway.mapping.yamlfile import Map, Pos, known_keys, text_of

if TYPE_CHECKING:
    from gateway.mapping.targets.base import Tree


@dataclass(frozen=True, slots=True)
class InnerDocument:
    """An inner document that has a schema of its own."""

    kind: str
    schema: str
    encoding: str
    shape: Shape
    pos: Pos


_KEYS = ("kind", "as", "encoding", "declaration", "schema")


def inner_document(outer: "Tree", node: Map, scope: Scope) -> Value:
    """Build the inner document into a variable; its value is text, or Base64 with ``as: base64``."""
    # Imported late: a document holds trees, and a tree may hold documents.
    from gateway.mapping.targets.json import JsonTree
    from gateway.mapping.targets.xml import XmlTree, declaration

    head = node.get("$document")
    book = outer.unit.book
    if not isinstance(head, Map):
        book.note(node.pos, "bad-shape", "$document needs {kind: xml|json, as: text|cdata|base64}")
        return BROKEN
    known_keys(head, _KEYS, book, "$document")
    kind, encoding = text_of(head.get("kind"), book, "kind"), text_of(head.get("encoding"), book, "encoding") or "utf-8"
    children = Map(node.pos, [entry for entry in node if entry.key not in ("$document", "$when", "$each", "$let")])
    name = outer.unit.temp("p")
    if kind == "json":
        parts, shape = JsonTree(outer.unit, outer.writer).node(children, scope)
    elif kind == "xml":
        parts, shape = XmlTree(outer.unit, outer.writer).root(children, scope)
        if text_of(head.get("declaration"), book, "declaration") == "true":
            parts = [declaration(encoding), *parts]
    else:
        book.note(head.pos, "bad-value", "kind is xml or json")
        return BROKEN
    outer.writer.put_text(f"{name} = ", parts, "", node.pos)
    schema = text_of(head.get("schema"), book, "schema")
    if schema:
        outer.writer.put(f"h_inner.append(({len(outer.unit.inner)}, {name}))", head.pos)
        outer.unit.inner.append(InnerDocument(kind, schema, encoding, shape, head.pos))
    return _wrapped(outer, head, name, encoding)


def _wrapped(outer: "Tree", head: Map, name: str, encoding: str) -> Value:
    way = text_of(head.get("as"), outer.unit.book, "as") or "text"
    try:
        known_encoding(encoding)
    except MistakeError as wrong:
        outer.wrong(head.pos, wrong.code, wrong.message)
    if way == "base64":
        return Value(f"encoded64({name}, {encoding!r})", SAFE_TEXT, source="$document")
    if way not in ("text", "cdata"):
        outer.wrong(head.pos, "bad-value", "as is text, cdata or base64")
    return Value(name, TEXT, source="$document")
