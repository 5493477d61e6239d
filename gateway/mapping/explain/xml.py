"""XML a second time: elements as text, escaped with the standard library's words."""

import re
from xml.sax.saxutils import escape

from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.mapping.explain.functions import spelt
from gateway.mapping.explain.inner import inner_text, way_of
from gateway.mapping.explain.rows import Walk, placed
from gateway.mapping.explain.values import Got, Names
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.targets.base import Key, parse_key
from gateway.mapping.yamlfile import Entry, Map, Node, Scalar, Seq

_CARRIED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_IN_ATTRIBUTE = {'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}


def _text(value: str) -> str:
    return escape(_carried(value), {"\r": "&#13;"})


def _attribute(value: str) -> str:
    return escape(_carried(value), _IN_ATTRIBUTE)


def _cdata(value: str) -> str:
    return "<![CDATA[" + _carried(value).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _raw(value: str) -> str:
    """A ready piece of XML, as it is."""
    try:
        parse_xml(f"<x>{value}</x>".encode())
        return value
    except (MessageRefused, UnicodeEncodeError):
        pass
    raise RefusalError("the text is no well-formed piece of XML")


def _carried(value: str) -> str:
    if not _CARRIED.fullmatch(value):
        raise RefusalError("the text has a character that XML can't carry")
    return value


class XmlWalk(Walk):
    def root(self, node: Map, names: Names) -> str:
        return self._children(node.entries, names)

    def blocks(self, node: Map, names: Names) -> str:
        """Elements side by side: the blocks of a SOAP header."""
        return self._children(node.entries, names)

    def _children(self, entries: list[Entry], names: Names) -> str:
        parts: list[str] = []
        for entry in entries:
            if entry.key == "$nodes":
                items = entry.value.items if isinstance(entry.value, Seq) else []
                parts += [self._children(item.entries, names) for item in items if isinstance(item, Map)]
            elif _is_child(entry):
                parts += self._entry(entry, names)
        return "".join(parts)

    def _entry(self, entry: Entry, names: Names) -> list[str]:
        key = parse_key(entry.key)
        if not isinstance(entry.value, Seq):
            with self.below(key.name):
                return [self._one(entry.value, key, names)]
        parts: list[str] = []
        for index, item in enumerate(entry.value.items):
            with self.below(key.name), self.below(f"[{index}]"):
                parts.append(self._one(item, key, names))
        return parts

    def _one(self, node: Node, key: Key, names: Names) -> str:
        if isinstance(node, Scalar):
            got = self.leaf(node, names.leaning(key.optional))
            return "" if key.optional and got.absent else f"<{key.name}>{self._written(node, got)}</{key.name}>"
        assert isinstance(node, Map)
        if not self.shown(node, names):
            return ""
        if node.get("$each") is None:
            return self._element(node, key, names)
        parts: list[str] = []
        for inner in self.rounds(node, names):
            with self.below(f"[{len(parts)}]"):
                parts.append(self._element(node, Key(key.name, False, False), placed(inner, len(parts) + 1)))
        return "".join(parts)

    def _written(self, node: Node, got: Got, place: str = "text") -> str:
        """A value that must be there, escaped for its place."""
        self.required(node, got)
        return self.told(node, got, lambda one: _ESCAPES[place](spelt(one.value)))

    def _element(self, node: Map, key: Key, names: Names) -> str:
        names = self.lets(node, names)
        said, name = node.get("$name"), key.name
        if said is not None:
            name = spelt(self.required(said, self.leaf(said, names)).value)
        attributes = self._attributes(node, names)
        content = self._content(node, names)
        if key.optional and not attributes and not content:
            return ""
        if content is None:
            return f"<{name}{attributes} />"
        return f"<{name}{attributes}>{content}</{name}>"

    def _attributes(self, node: Map, names: Names) -> str:
        declared = node.get("$ns")
        parts = [
            f' xmlns{":" if entry.key else ""}{entry.key}="{_attribute(entry.value.text)}"'
            for entry in (declared if isinstance(declared, Map) else ())
            if isinstance(entry.value, Scalar)
        ]
        for entry in node:
            key = parse_key(entry.key)
            if not key.attribute:
                continue
            got = self.leaf(entry.value, names.leaning(key.optional))
            if key.optional and got.absent:
                continue
            with self.below(key.name + "@"):
                parts.append(f' {key.name}="{self._written(entry.value, got, "attribute")}"')
        return "".join(parts)

    def _content(self, node: Map, names: Names) -> str | None:
        """Text, document or children; None for an element that has attributes only."""
        if node.get("$document") is not None:
            made = inner_text(self, node, names)
            with self.at(node.pos):
                return _ESCAPES["cdata" if way_of(node) == "cdata" else "text"](made)
        for directive, place in (("$text", "text"), ("$cdata", "cdata")):
            text = node.get(directive)
            if text is not None:
                return self._written(text, self.leaf(text, names), place)
        raw = node.get("$raw")
        if raw is not None:
            return self.told(raw, self.required(raw, self.leaf(raw, names)), lambda one: _raw(spelt(one.value)))
        if any(map(_is_child, node)) or _has_nodes(node):
            return self._children(node.entries, names)
        empty = node.get("$empty")
        return "" if isinstance(empty, Scalar) and empty.text == "true" else None


_ESCAPES = {"text": _text, "attribute": _attribute, "cdata": _cdata}


def _is_child(entry: Entry) -> bool:
    return not parse_key(entry.key).attribute and not entry.key.startswith("$")


def _has_nodes(node: Map) -> bool:
    nodes = node.get("$nodes")
    return isinstance(nodes, Seq) and any(isinstance(item, Map) and item.entries for item in nodes.items)
