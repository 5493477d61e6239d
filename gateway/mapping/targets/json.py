"""JSON by string building: literals are merged at compile time, only values are computed at run time."""

import json
from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from gateway.mapping.code.writer import Code, Parts
from gateway.mapping.expressions.operators import table_rows
from gateway.mapping.targets.base import Shape, Tree, leaf_shape, parse_key
from gateway.mapping.types import Kind
from gateway.mapping.values import Scope, Unit, Value
from gateway.mapping.yamlfile import Entry, Map, Node, Pos, Scalar, Seq

Spelling = Callable[[str], str]
_DIRECTIVES = ("$when", "$each", "$let", "$item", "$text", "$document")
_KINDS = {
    Kind.TEXT: "string",
    Kind.ENUM: "string",
    Kind.DOC: "string",
    Kind.INT: "integer",
    Kind.DECIMAL: "number",
    Kind.NUMBER: "number",
    Kind.BOOL: "boolean",
    Kind.NULL: "null",
}


def spell(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class JsonTree(Tree):
    """Builds one JSON document (or a part of it) as text parts, and its shape for the schema check."""

    def node(self, node: Node, scope: Scope) -> tuple[Parts, Shape]:
        if isinstance(node, Scalar):
            return self._leaf(node, scope)
        if isinstance(node, Seq):
            return self._array(node, scope)
        return self._map(node, scope)

    def _leaf(self, node: Scalar, scope: Scope) -> tuple[Parts, Shape]:
        value = self.value(node, scope)
        parts = self._encoded(value, node.pos)
        if value.type.optional and value.type.kind is not Kind.ANY:
            parts = self._or_null(value, node.pos)
        return parts, self._shape(value, node.pos)

    def _shape(self, value: Value, pos: Pos) -> Shape:
        shape = leaf_shape(pos, _KINDS.get(value.type.kind, "any"), value)
        shape.nullable = value.type.optional
        return shape

    def _or_null(self, value: Value, pos: Pos) -> Parts:
        name, present = bind(value, self.unit)
        return [Code(f"({_joined(self._encoded(present, pos))} if ({name} := {value.code}) is not U else 'null')", pos)]

    def _encoded(self, value: Value, pos: Pos) -> Parts:
        """A present value as JSON text."""
        kind = value.type.kind
        if value.is_const:
            return [_literal(value.const)]
        if kind is Kind.NULL:
            return ["null"]
        if value.choice:
            return [Code(ready_table(value, self.unit, spell), pos)]
        if kind is Kind.ENUM:
            return [Code(f"{ready_codes(value.type.of, self.unit, spell)}[{value.code}]", pos)]
        if kind is Kind.TEXT and value.type.safe:
            return ['"', Code(value.code, pos), '"']
        code = {
            Kind.TEXT: f"jtext({value.code})",
            Kind.DOC: f"jtext(dtext({value.code}))",
            Kind.INT: value.code,
            Kind.NUMBER: value.code,
            Kind.DECIMAL: f"decimal_text({value.code})",
            Kind.BOOL: f"('true' if {value.code} else 'false')",
            Kind.ANY: "''",
        }.get(kind)
        if code is None:
            self._no_leaf(value, pos)
            return ["null"]
        return [Code(code, pos)]

    def _no_leaf(self, value: Value, pos: Pos) -> None:
        hints = {
            Kind.DATE: 'use date(x, "%Y-%m-%d")',
            Kind.DATETIME: "use datetime(x, form): the form and zone must be stated",
            Kind.LIST: "use $each … $item",
        }
        self.wrong(
            pos, "type-clash", f"a {value.type.name} is no JSON value", hints.get(value.type.kind, "name a field of it")
        )

    def _map(self, node: Map, scope: Scope) -> tuple[Parts, Shape]:
        if node.get("$each") is not None:
            return self._each(node, scope)
        return self._single(node, scope)

    def _single(self, node: Map, scope: Scope) -> tuple[Parts, Shape]:
        scope = self.lets(node, scope)
        text = node.get("$text")
        if text is not None:
            return self.node(text, scope)
        if node.get("$document") is not None:
            # Imported late: a document holds trees, and a tree may hold documents.
            from gateway.mapping.targets.document import inner_document

            value = inner_document(self, node, scope)
            return self._encoded(value, node.pos), self._shape(value, node.pos)
        return self._object(node, scope)

    def _each(self, node: Map, scope: Scope) -> tuple[Parts, Shape]:
        rows = self.unit.temp("x")
        shape = Shape(node.pos, "array")
        self.writer.put(f"{rows} = []", node.pos)
        self._rows(node, scope, rows, shape)
        return ["[", Code(f"','.join({rows})", node.pos), "]"], shape

    def _rows(self, node: Map, scope: Scope, rows: str, shape: Shape) -> None:
        def build(inner: Scope) -> Parts:
            item = node.get("$item")
            if item is None:
                parts, inner_shape = self._single(node, inner)
            else:
                parts, inner_shape = self.node(item, self.lets(node, inner))
            inner_shape.many = True
            shape.members.append(inner_shape)
            return parts

        self.path.append("[]")
        self.repeat(node, scope, rows, build)
        self.path.pop()

    def _array(self, node: Seq, scope: Scope) -> tuple[Parts, Shape]:
        shape = Shape(node.pos, "array")
        if any(isinstance(item, Map) and (item.get("$each") or item.get("$when")) for item in node.items):
            return self._growing_array(node, scope, shape), shape
        parts: Parts = ["["]
        for index, item in enumerate(node.items):
            self.path.append(f"[{index}]")
            inner, inner_shape = self.node(item, scope)
            self.path.pop()
            shape.members.append(inner_shape)
            parts += [",", *inner] if index else inner
        return [*parts, "]"], shape

    def _growing_array(self, node: Seq, scope: Scope, shape: Shape) -> Parts:
        rows = self.unit.temp("x")
        self.writer.put(f"{rows} = []", node.pos)
        for item in node.items:
            condition, inner = self.condition(item, scope) if isinstance(item, Map) else ("", scope)
            with self.writer.block(f"if {condition or 'True'}:", item.pos):
                self._grow(item, inner, rows, shape)
        return ["[", Code(f"','.join({rows})", node.pos), "]"]

    def _grow(self, item: Node, scope: Scope, rows: str, shape: Shape) -> None:
        if isinstance(item, Map) and item.get("$each"):
            self._rows(item, scope, rows, shape)
            return
        parts, inner = self.node(item, scope)
        inner.many = True
        shape.members.append(inner)
        self.writer.put_text(f"{rows}.append(", parts, ")", item.pos)

    def _object(self, node: Map, scope: Scope) -> tuple[Parts, Shape]:
        shape = Shape(node.pos, "object")
        entries = [entry for entry in node if not self._is_directive(entry)]
        sure = next((i for i, e in enumerate(entries) if not self._may_go(e)), None)
        parts: Parts = []
        names: set[str] = set()
        for index, entry in enumerate(entries):
            key = parse_key(entry.key)
            if key.name in names:
                self.wrong(entry.pos, "duplicate-key", f"the member {key.name!r} is made twice")
            names.add(key.name)
            before, after = (",", "") if sure is None or index > sure else ("", "," if index < sure else "")
            parts += self._member(entry, scope, shape, before, after)
        if sure is not None or not entries:
            return ["{", *parts, "}"], shape
        name = self.unit.temp("p")
        self.writer.put_text(f"{name} = ", parts, "", node.pos)
        return ["{", Code(f"{name}[1:]", node.pos), "}"], shape

    def _is_directive(self, entry: Entry) -> bool:
        if not entry.key.startswith("$"):
            return False
        if entry.key not in _DIRECTIVES:
            self.wrong(
                entry.pos, "unknown-key", f"{entry.key} means nothing in a JSON tree", "quote a name with = rules"
            )
        return True

    @staticmethod
    def _may_go(entry: Entry) -> bool:
        return parse_key(entry.key).optional or (isinstance(entry.value, Map) and entry.value.get("$when") is not None)

    def _member(self, entry: Entry, scope: Scope, shape: Shape, before: str, after: str) -> Parts:
        key = parse_key(entry.key)
        if key.attribute:
            self.wrong(entry.pos, "unknown-key", "JSON has no attributes", "leave the @ out")
        self.path.append(key.name)
        head = f"{before}{spell(key.name)}:"
        if key.optional and isinstance(entry.value, Scalar):
            parts, inner = self._optional_leaf(entry.value, replace(scope, lenient=True), head, after)
        else:
            parts, inner = self._whole_member(entry, scope, head, after, key.optional)
        self.path.pop()
        inner.name, inner.maybe_missing = key.name, inner.maybe_missing or self._has_when(entry)
        inner.pos = entry.pos
        shape.members.append(inner)
        return parts

    @staticmethod
    def _has_when(entry: Entry) -> bool:
        return isinstance(entry.value, Map) and entry.value.get("$when") is not None

    def _optional_leaf(self, node: Scalar, scope: Scope, head: str, after: str) -> tuple[Parts, Shape]:
        value = self.value(node, scope)
        shape = self._shape(value, node.pos)
        shape.nullable, shape.maybe_missing = False, value.type.optional
        if not value.type.optional:
            return [head, *self._encoded(value, node.pos), after], shape
        name, present = bind(value, self.unit)
        text = _joined([head, *self._encoded(present, node.pos), after])
        return [Code(f"({text} if ({name} := {value.code}) is not U else '')", node.pos)], shape

    def _whole_member(self, entry: Entry, scope: Scope, head: str, after: str, droppable: bool) -> tuple[Parts, Shape]:
        shapes: list[Shape] = []

        def build() -> Parts:
            parts, shape = self.node(entry.value, inner)
            shapes.append(shape)
            return self._dropped_when_empty(parts, head, after, entry.pos) if droppable else [head, *parts, after]

        condition, inner = self.condition(entry.value, scope) if isinstance(entry.value, Map) else ("", scope)
        parts = self.only_if(condition, entry.pos, build)
        shapes[0].maybe_missing = droppable
        return parts, shapes[0]

    def _dropped_when_empty(self, parts: Parts, head: str, after: str, pos: Pos) -> Parts:
        """``Name?`` over an object or array: left out when nothing is in it."""
        name = self.unit.temp("p")
        self.writer.put_text(f"{name} = ", parts, "", pos)
        return [Code(f"(cat({head!r}, {name}, {after!r}) if len({name}) > 2 else '')", pos)]


def bind(value: Value, unit: Unit) -> tuple[str, Value]:
    """A name for an optional value and the value that stands behind it when present."""
    name = unit.temp()
    return name, replace(value, code=name, type=value.type.present(), choice=None)


def ready_table(value: Value, unit: Unit, spelling: Spelling) -> str:
    """A table whose rows are already spelt for the target."""
    assert value.choice is not None
    table, key, enum = value.choice
    return f"{unit.keep(table_rows(table, enum, spelling))}[{key}]"


def ready_codes(enum: type[Enum], unit: Unit, spelling: Spelling) -> str:
    return unit.keep({member: spelling(str(member.value)) for member in enum})


def _literal(value: object) -> str:
    return "null" if value is None else json.dumps(value, ensure_ascii=False)


def _joined(parts: Parts) -> str:
    spelt = [repr(part) if isinstance(part, str) else part.source for part in parts if part != ""]
    return f"cat({', '.join(spelt)})"
