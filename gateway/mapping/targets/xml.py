"""XML by string building: tags and constants are merged at compile time, values are escaped at run time."""

import re

from msgspec.structs import replace

from gateway.mapping.code.writer import Code, Parts, Writer
from gateway.mapping.errors import MistakeError
from gateway.mapping.functions.widths import known_encoding
from gateway.mapping.runtime.text import xattr
from gateway.mapping.targets.base import Key, Shape, Tree, leaf_shape, parse_key
from gateway.mapping.targets.document import inner_document
from gateway.mapping.targets.jsontext import bind
from gateway.mapping.targets.text import as_plain_text
from gateway.mapping.targets.xmltext import xml_text
from gateway.mapping.types import Kind
from gateway.mapping.values import Scope, Unit, Value
from gateway.mapping.yamlfile import Entry, Map, Node, Pos, Scalar, Seq, text_of

_NAME = re.compile(r"(?:[^\W\d][\w.\-]*:)?[^\W\d][\w.\-]*")
_DIRECTIVES = (
    *("$when", "$each", "$let", "$name", "$ns"),
    *("$text", "$empty", "$cdata", "$document", "$raw", "$nodes"),
)
VOID = " />"
"""An element with attributes only: the form that partners sign byte for byte."""
_KINDS = {Kind.INT: "integer", Kind.DECIMAL: "number", Kind.NUMBER: "number", Kind.BOOL: "boolean"}


def declaration(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>'


class XmlTree(Tree):
    """Builds one XML element tree as text parts."""

    def __init__(self, unit: Unit, writer: Writer) -> None:
        super().__init__(unit, writer)
        self.namespaces: list[dict[str, str]] = [{"": "", "xml": "http://www.w3.org/XML/1998/namespace"}]

    def root(self, node: Map, scope: Scope) -> tuple[Parts, Shape]:
        """A document: exactly one element, always there."""
        shape = Shape(node.pos, "element")
        parts = self._children(node.entries, scope, shape)
        if len(shape.members) != 1 or shape.members[0].many or shape.members[0].maybe_missing:
            self.wrong(node.pos, "bad-shape", "an XML document has exactly one root element")
        return parts, shape.members[0] if shape.members else shape

    def _children(self, entries: list[Entry], scope: Scope, shape: Shape) -> Parts:
        parts: Parts = []
        for entry in entries:
            key = parse_key(entry.key)
            if key.attribute or (entry.key.startswith("$") and entry.key != "$nodes"):
                continue
            if entry.key == "$nodes":
                parts += self._nodes(entry.value, scope, shape)
                continue
            parts += self._entry(entry, key, scope, shape)
        return parts

    def blocks(self, node: Map, scope: Scope) -> Parts:
        """Elements side by side without one around them: the blocks of a SOAP header."""
        return self._children(node.entries, scope, Shape(node.pos, "element"))

    def _nodes(self, node: Node, scope: Scope, shape: Shape) -> Parts:
        if not isinstance(node, Seq):
            self.wrong(node.pos, "bad-shape", "$nodes is a list of elements")
            return []
        parts: Parts = []
        for item in node.items:
            if isinstance(item, Map):
                parts += self._children(item.entries, scope, shape)
            else:
                self.wrong(item.pos, "bad-shape", "each of $nodes is an element: {Name: …}")
        return parts

    def _entry(self, entry: Entry, key: Key, scope: Scope, shape: Shape) -> Parts:
        self.path.append(key.name)
        items = entry.value.items if isinstance(entry.value, Seq) else [entry.value]
        parts: Parts = []
        for item in items:
            if not isinstance(item, Map) or item.get("$name") is None:
                self._check_name(key.name, entry.pos)
            child = Shape(entry.pos, "element", name=key.name, many=len(items) > 1)
            parts += self._one(item, key, scope, child)
            # Under $name it is one of several elements, of which each may be missing.
            others = [replace(child, name=name, names=(), maybe_missing=True) for name in child.names]
            shape.members += others or [child]
        self.path.pop()
        return parts

    def _check_name(self, name: str, pos: Pos) -> None:
        if not _NAME.fullmatch(name):
            self.wrong(pos, "bad-name", f"{name!r} is no XML name")

    def _one(self, node: Node, key: Key, scope: Scope, shape: Shape) -> Parts:
        if isinstance(node, Scalar):
            return self._leaf_element(node, key, scope, shape)
        if isinstance(node, Seq):
            self.wrong(node.pos, "bad-shape", "a list in a list has no meaning in XML")
            return []
        declared = self._declared(node)
        self.namespaces.append(declared)
        shape.maybe_missing = key.optional or node.get("$when") is not None
        condition, inner = self.condition(node, scope)
        parts = self.only_if(condition, node.pos, lambda: self._repeated(node, key, inner, shape))
        self.namespaces.pop()
        return parts

    def _declared(self, node: Map) -> dict[str, str]:
        spelt = node.get("$ns")
        if spelt is None:
            return self.namespaces[-1]
        if not isinstance(spelt, Map):
            self.wrong(spelt.pos, "bad-shape", "$ns is {prefix: uri}")
            return self.namespaces[-1]
        return {**self.namespaces[-1], **{e.key: text_of(e.value, self.unit.book, "a namespace") for e in spelt}}

    def _repeated(self, node: Map, key: Key, scope: Scope, shape: Shape) -> Parts:
        if node.get("$each") is None:
            return self._element(node, key, scope, shape)
        rows = self.unit.temp("x")
        self.writer.put(f"{rows} = []", node.pos)
        shape.many = shape.maybe_missing = shape.looped = True
        self.repeat(node, scope, rows, lambda inner: self._element(node, replace(key, optional=False), inner, shape))
        self.writer.put(f"if not {rows}: h_bare = True", node.pos)
        return [Code(f"''.join({rows})", node.pos)]

    def _qualify(self, name: str, shape: Shape, pos: Pos, attribute: bool = False) -> None:
        prefix, _, local = name.rpartition(":")
        if prefix and prefix not in self.namespaces[-1]:
            self.wrong(pos, "unknown-prefix", f"the prefix {prefix!r} is not declared", "declare it with $ns")
        shape.name = local
        shape.namespace = "" if attribute and not prefix else self.namespaces[-1].get(prefix, "")

    def _leaf_element(self, node: Scalar, key: Key, scope: Scope, shape: Shape) -> Parts:
        self._qualify(key.name, shape, node.pos)
        value = self.value(node, replace(scope, lenient=key.optional))
        self._holds(shape, value)
        head, tail = f"<{key.name}>", f"</{key.name}>"
        if key.optional and value.type.optional:
            shape.maybe_missing = True
            return self._if_present(value, head, tail, node.pos, "text")
        return [head, *self._encoded(self._sure(value, node.pos, key.name), node.pos, "text"), tail]

    @staticmethod
    def _holds(shape: Shape, value: Value) -> None:
        leaf = leaf_shape(shape.pos, _KINDS.get(value.type.kind, "string"), value)
        shape.kind, shape.texts, shape.can, shape.source = leaf.kind, leaf.texts, leaf.can, leaf.source
        shape.spelt, shape.places = leaf.spelt, leaf.places

    def _sure(self, value: Value, pos: Pos, target: str) -> Value:
        code = self.required(value, value.code, pos, target)
        return value if code == value.code else value.typed(code, value.type.present())

    def _if_present(self, value: Value, head: str, tail: str, pos: Pos, place: str) -> Parts:
        name, present = bind(value, self.unit)
        spelt = [repr(p) if isinstance(p, str) else p.source for p in [head, *self._encoded(present, pos, place), tail]]
        return [Code(f"(cat({', '.join(spelt)}) if ({name} := {value.code}) is not U else '')", pos)]

    def _element(self, node: Map, key: Key, scope: Scope, shape: Shape) -> Parts:
        scope = self.lets(node, scope)
        name = self._tag(node, key, scope, shape)
        attributes = self._attributes(node, scope, shape)
        content = self._content(node, scope, shape, key.name)
        if content is None:
            return self._dropped(["<", name, *attributes, VOID], attributes, key, node.pos)
        whole: Parts = ["<", name, *attributes, ">", *content, "</", name, ">"]
        return self._dropped(whole, [*attributes, *content], key, node.pos)

    def _tag(self, node: Map, key: Key, scope: Scope, shape: Shape) -> str | Code:
        """The element's name: its key, or with ``$name`` one of texts that are all known when the mapping loads."""
        spelt = node.get("$name")
        if spelt is None:
            self._qualify(key.name, shape, node.pos)
            return key.name
        value = self.value(spelt, scope, " $name")
        if not value.texts:
            if value.type.kind is not Kind.ANY:
                hint = "choose between constants, or take it from a table"
                self.wrong(spelt.pos, "bad-name", "an element's name is one of texts known beforehand", hint)
            return key.name
        for name in sorted(value.texts):
            self._check_name(name, spelt.pos)
            self._qualify(name, shape, spelt.pos)
        shape.names = tuple(sorted(name.rpartition(":")[2] for name in value.texts))
        if value.is_const:
            return str(value.const)
        known = self.unit.temp()
        self.writer.put(f"{known} = {self._sure(value, spelt.pos, '$name').code}", spelt.pos)
        return Code(known, spelt.pos)

    def _dropped(self, whole: Parts, inside: Parts, key: Key, pos: Pos) -> Parts:
        """``Name?`` over a node: left out when it has neither content nor attributes."""
        if not key.optional or any(isinstance(part, str) and part for part in inside):
            return whole
        name = self.unit.temp("p")
        self.writer.put_text(f"{name} = ", inside, "", pos)
        spelt = ", ".join(repr(part) if isinstance(part, str) else part.source for part in whole)
        return [Code(f"(cat({spelt}) if {name} else '')", pos)]

    def _attributes(self, node: Map, scope: Scope, shape: Shape) -> Parts:
        parts: Parts = []
        spelt = node.get("$ns")
        for entry in spelt if isinstance(spelt, Map) else ():
            uri = text_of(entry.value, self.unit.book, "a namespace")
            parts.append(f' xmlns:{entry.key}="{xattr(uri)}"' if entry.key else f' xmlns="{xattr(uri)}"')
        for entry in node:
            key = parse_key(entry.key)
            if not key.attribute:
                self._known_directive(entry)
                continue
            parts += self._attribute(entry, key, scope, shape)
        return parts

    def _known_directive(self, entry: Entry) -> None:
        if entry.key.startswith("$") and entry.key not in _DIRECTIVES:
            self.wrong(entry.pos, "unknown-key", f"{entry.key} means nothing in an XML tree")

    def _attribute(self, entry: Entry, key: Key, scope: Scope, shape: Shape) -> Parts:
        self._check_name(key.name, entry.pos)
        self.path.append(key.name + "@")
        value = self.value(entry.value, replace(scope, lenient=key.optional))
        self.path.pop()
        made = leaf_shape(entry.pos, _KINDS.get(value.type.kind, "string"), value)
        self._qualify(key.name, made, entry.pos, attribute=True)
        shape.attributes.append(made)
        if key.optional and value.type.optional:
            made.maybe_missing = True
            return self._if_present(value, f' {key.name}="', '"', entry.value.pos, "attribute")
        sure = self._sure(value, entry.value.pos, key.name + "@")
        return [f' {key.name}="', *self._encoded(sure, entry.value.pos, "attribute"), '"']

    def _content(self, node: Map, scope: Scope, shape: Shape, name: str) -> Parts | None:
        """Text, document or children; None for an element that has attributes only."""
        if node.get("$document") is not None:
            value = inner_document(self, node, scope)
            head = node.get("$document")
            way = text_of(head.get("as"), self.unit.book, "as") if isinstance(head, Map) else ""
            shape.kind = "string"
            return self._encoded(value, node.pos, "cdata" if way == "cdata" else "text")
        raw = node.get("$raw")
        if raw is not None:
            return self._raw(raw, scope, shape, name)
        for directive, place in (("$text", "text"), ("$cdata", "cdata")):
            text = node.get(directive)
            if text is not None:
                value = self.value(text, scope)
                self._holds(shape, value)
                return self._encoded(self._sure(value, text.pos, name), text.pos, place)
        children = self._children(node.entries, scope, shape)
        if children or shape.members:
            return children
        if text_of(node.get("$empty"), self.unit.book, "$empty") == "true":
            return []
        if not shape.attributes:
            self.wrong(
                node.pos, "bad-shape", f"{name} has nothing in it", "write $empty: true for a deliberate empty element"
            )
        return None

    def _raw(self, node: Node, scope: Scope, shape: Shape, name: str) -> Parts:
        """A ready piece of XML: read before it goes in, so that it can't break out of its element."""
        value = self._sure(self.value(node, scope), node.pos, name)
        self.unit.cdata = self.unit.cdata or node.pos
        shape.kind = "any"
        return [Code(f"raw_xml({as_plain_text(value, node.pos, self.unit)})", node.pos)]

    def _encoded(self, value: Value, pos: Pos, place: str) -> Parts:
        return xml_text(value, pos, place, self.unit)


def known_or_noted(name: str, pos: Pos, unit: Unit) -> str:
    """The encoding's name; an unknown one is noted and UTF-8 taken."""
    try:
        return known_encoding(name)
    except MistakeError as wrong:
        unit.note(pos, wrong.code, wrong.message)
        return "utf-8"
