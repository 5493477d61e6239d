"""``$document`` a second time: a whole inner document as one value of the outer one."""

from typing import TYPE_CHECKING

from gateway.mapping.explain.values import Names
from gateway.mapping.mapfile import Target, read_lacking
from gateway.mapping.runtime.widths import encoded64
from gateway.mapping.targets.xml import declaration
from gateway.mapping.yamlfile import Book, Map, Scalar

if TYPE_CHECKING:
    from gateway.mapping.explain.rows import Walk

_OUTSIDE = ("$document", "$when", "$each", "$let", "$name")


def inner_text(outer: "Walk", node: Map, names: Names) -> str:
    """The inner document's text, or its Base64. Its values are told in the outer account, below its place."""
    # Imported late: a document holds trees, and a tree may hold documents.
    from gateway.mapping.explain.documents import tree_text

    head = node.get("$document")
    assert isinstance(head, Map)
    said = {entry.key: entry.value.text for entry in head if isinstance(entry.value, Scalar)}
    kind, encoding = said["kind"], said.get("encoding", "utf-8")
    children = Map(node.pos, [entry for entry in node if entry.key not in _OUTSIDE])
    with outer.below("$document"):
        made = tree_text(outer, children, Target(kind, head.pos, encoding=encoding), names)
    if kind == "xml" and said.get("declaration") == "true":
        made = declaration(encoding) + made
    if said.get("as") != "base64":
        return made
    with outer.at(head.pos):
        return encoded64(made, encoding, read_lacking(head, kind, Book("")), kind)


def way_of(node: Map) -> str:
    head = node.get("$document")
    found = head.get("as") if isinstance(head, Map) else None
    return getattr(found, "text", "text")
