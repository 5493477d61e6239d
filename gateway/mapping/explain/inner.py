"""``$document`` a second time: a whole inner document as one value of the outer one."""

import base64
from typing import TYPE_CHECKING

from gateway.mapping.explain.values import Names
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.yamlfile import Map

if TYPE_CHECKING:
    from gateway.mapping.explain.rows import Walk

_OUTSIDE = ("$document", "$when", "$each", "$let")


def inner_text(outer: "Walk", node: Map, names: Names) -> str:
    """The inner document's text, or its Base64. Its values are told in the outer account, below its place."""
    # Imported late: a document holds trees, and a tree may hold documents.
    from gateway.mapping.explain.json import JsonWalk
    from gateway.mapping.explain.xml import XmlWalk
    from gateway.mapping.targets.xml import declaration

    head = node.get("$document")
    assert isinstance(head, Map)
    said = {entry.key: entry.value.text for entry in head if hasattr(entry.value, "text")}
    encoding = said.get("encoding", "utf-8")
    children = Map(node.pos, [entry for entry in node if entry.key not in _OUTSIDE])
    walk = JsonWalk(outer.mapping) if said["kind"] == "json" else XmlWalk(outer.mapping)
    walk.rows, walk.path = outer.rows, [*outer.path, "$document"]
    made = walk.node(children, names) if isinstance(walk, JsonWalk) else walk.root(children, names)
    if said["kind"] == "xml" and said.get("declaration") == "true":
        made = declaration(encoding) + made
    if said.get("as") != "base64":
        return made
    with outer.at(head.pos):
        return _base64(made, encoding)


def way_of(node: Map) -> str:
    head = node.get("$document")
    found = head.get("as") if isinstance(head, Map) else None
    return getattr(found, "text", "text")


def _base64(document: str, encoding: str) -> str:
    try:
        return base64.b64encode(document.encode(encoding)).decode("ascii")
    except UnicodeEncodeError:
        pass
    raise RefusalError("the inner document has a character that its encoding lacks")
