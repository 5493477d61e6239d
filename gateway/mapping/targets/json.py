"""JSON by string building: literals are merged at compile time, only values are computed at run time."""

from msgspec.structs import replace

from gateway.mapping.code.writer import Code, Parts
from gateway.mapping.targets.base import Shape, Tree, parse_key
from gateway.mapping.targets.jsontext import bind, encoded, joined, json_shape, or_null, spell
from gateway.mapping.targets.text import as_plain_text
from gateway.mapping.types import Kind
from gateway.mapping.values import Scope
from gateway.mapping.yamlfile import Entry, Map, Node, Scalar, Seq

_DIRECTIVES = ("$when", "$each", "$let", "$item", "$text", "$document", "$raw", "$name")
_NOT_INSIDE = ("$when", "$each", "$let", "$name")
EMPTY = ("{}", "[]", '""')
"""What ``Name?`` over a node leaves out; a single digit is a value."""


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
        nullable = value.type.optional and value.type.kind is not Kind.ANY
        parts = or_null(value, node.pos, self.unit) if nullable else encoded(value, node.pos, self.unit)
        return parts, json_shape(value, node.pos)

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
            return encoded(value, node.pos, self.unit), json_shape(value, node.pos)
        raw = node.get("$raw")
        if raw is not None:
            return self._raw(raw, scope), Shape(node.pos)
        return self._object(node, scope)

    def _raw(self, node: Node, scope: Scope) -> Parts:
        """A ready JSON text: read before it goes in, so that it can be nothing else."""
        value = self.value(node, scope)
        text = as_plain_text(value, node.pos, self.unit)
        return [Code(f"raw_json({self.required(value, text, node.pos, '$raw')})", node.pos)]

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
        names = self._names(entries)
        for index, entry in enumerate(entries):
            before, after = (",", "") if sure is None or index > sure else ("", "," if index < sure else "")
            if self._is_computed(entry):
                parts += self._computed(entry, scope, shape, names, before, after)
            else:
                parts += self._member(entry, scope, shape, before, after)
        if sure is not None or not entries:
            return ["{", *parts, "}"], shape
        name = self.unit.temp("p")
        self.writer.put_text(f"{name} = ", parts, "", node.pos)
        return ["{", Code(f"{name}[1:]", node.pos), "}"], shape

    def _names(self, entries: list[Entry]) -> str:
        """Stated names are held against each other here; where others are computed, generated code holds them too."""
        names: set[str] = set()
        for entry in entries:
            key = parse_key(entry.key)
            if key.name in names:
                self.wrong(entry.pos, "duplicate-key", f"the member {key.name!r} is made twice")
            if not self._is_computed(entry):
                names.add(key.name)
        computed = next((entry for entry in entries if self._is_computed(entry)), None)
        if computed is None:
            return ""
        name = self.unit.temp("x")
        self.writer.put(f"{name} = names_of({self.unit.keep(frozenset(names))})", computed.pos)
        return name

    @staticmethod
    def _is_computed(entry: Entry) -> bool:
        return isinstance(entry.value, Map) and entry.value.get("$name") is not None

    def _computed(self, entry: Entry, scope: Scope, shape: Shape, names: str, before: str, after: str) -> Parts:
        """``$name``: a member whose name is computed, or with ``$each`` one for each round."""
        node = entry.value
        assert isinstance(node, Map)
        self.path.append(parse_key(entry.key).name)

        def build() -> Parts:
            if node.get("$each") is None:
                return [before, *self._named_member(node, inner, shape, names), after]
            rows = self.unit.temp("x")
            self.writer.put(f"{rows} = []", node.pos)
            self.repeat(node, inner, rows, lambda row: self._named_member(node, row, shape, names))
            return [Code(f"(cat({before!r}, ','.join({rows}), {after!r}) if {rows} else '')", node.pos)]

        condition, inner = self.condition(node, scope)
        parts = self.only_if(condition, node.pos, build)
        self.path.pop()
        return parts

    def _named_member(self, node: Map, scope: Scope, shape: Shape, names: str) -> Parts:
        scope = self.lets(node, scope)
        spelt = node.get("$name")
        assert spelt is not None
        value = self.value(spelt, scope, " $name")
        text = self.required(value, as_plain_text(value, spelt.pos, self.unit), spelt.pos, "$name")
        inside = Map(node.pos, [entry for entry in node if entry.key not in _NOT_INSIDE])
        item = inside.get("$item")
        parts, inner = self._single(inside, scope) if item is None else self.node(item, scope)
        for name in sorted(value.texts or ()):
            shape.members.append(replace(inner, name=name, maybe_missing=True, pos=node.pos))
        if value.texts is None:
            # Any name may come: what a schema wants of this object is left to the validation of the message.
            shape.kind = "any"
        return [Code(f"member({names}, {text})", spelt.pos), ":", *parts]

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
        value = entry.value
        if not isinstance(value, Map):
            return parse_key(entry.key).optional
        many = value.get("$name") is not None and value.get("$each") is not None
        return parse_key(entry.key).optional or many or value.get("$when") is not None

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
        shape = json_shape(value, node.pos)
        shape.nullable, shape.maybe_missing = False, value.type.optional
        if not value.type.optional:
            return [head, *encoded(value, node.pos, self.unit), after], shape
        name, present = bind(value, self.unit)
        text = joined([head, *encoded(present, node.pos, self.unit), after])
        return [Code(f"({text} if ({name} := {value.code}) is not U else '')", node.pos)], shape

    def _whole_member(self, entry: Entry, scope: Scope, head: str, after: str, droppable: bool) -> tuple[Parts, Shape]:
        shapes: list[Shape] = []

        def build() -> Parts:
            parts, shape = self.node(entry.value, inner)
            shapes.append(shape)
            return self._dropped_when_empty(parts, head, after, entry) if droppable else [head, *parts, after]

        condition, inner = self.condition(entry.value, scope) if isinstance(entry.value, Map) else ("", scope)
        if droppable and says_text(entry.value):
            inner = replace(inner, lenient=True)
        parts = self.only_if(condition, entry.pos, build)
        shapes[0].maybe_missing = droppable
        shapes[0].nullable = shapes[0].nullable and not (droppable and says_text(entry.value))
        return parts, shapes[0]

    def _dropped_when_empty(self, parts: Parts, head: str, after: str, entry: Entry) -> Parts:
        """``Name?`` over an object or array: left out when nothing is in it; over ``$text``: when its value is absent."""
        name, empty = self.unit.temp("p"), (*EMPTY, "null") if says_text(entry.value) else EMPTY
        self.writer.put_text(f"{name} = ", parts, "", entry.pos)
        return [Code(f"(cat({head!r}, {name}, {after!r}) if {name} not in {empty} else '')", entry.pos)]


def says_text(node: Node) -> bool:
    """Whether the node is a value by ``$text``, with a ``$let`` or ``$when`` beside it."""
    return isinstance(node, Map) and node.get("$text") is not None
