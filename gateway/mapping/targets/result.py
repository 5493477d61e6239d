"""The reading side: a tree of the result type's fields becomes plain data."""

from msgspec.structs import replace

from gateway.kernel.labels import may_enter
from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.expressions.operators import known_code
from gateway.mapping.targets.base import Tree, parse_key
from gateway.mapping.types import Field, Kind, Type, fields_of, spread
from gateway.mapping.values import Scope, Value
from gateway.mapping.yamlfile import Entry, Map, Node, Pos, Scalar, Seq

_READY = {
    Kind.TEXT: {Kind.TEXT, Kind.ENUM, Kind.DOC, Kind.NUMBER},
    Kind.ENUM: {Kind.TEXT, Kind.ENUM, Kind.DOC},
    Kind.DECIMAL: {Kind.DECIMAL, Kind.INT},
}


class ResultTree(Tree):
    """Writes statements that fill a dict; every branch is typed against the result's Struct."""

    def struct(self, node: Node, struct: type, scope: Scope) -> str:
        """Name of the variable that holds the filled dict."""
        name = self.unit.temp("x")
        self.writer.put(f"{name} = {{}}", node.pos)
        if not isinstance(node, Map):
            self.wrong(node.pos, "bad-shape", f"the fields of {struct.__name__} were expected")
            return name
        fields = fields_of(struct)
        seen = set()
        scope = self.lets(node, scope)
        for entry in node:
            if entry.key in ("$each", "$when", "$let"):
                continue
            key = parse_key(entry.key)
            seen.add(key.name)
            field = fields.get(key.name)
            if field is None or key.attribute:
                self.wrong(
                    entry.pos, "unknown-field", f"{struct.__name__} has no {key.name!r}", did_you_mean(key.name, fields)
                )
                continue
            self._entry(entry, field, name, scope, key.optional)
        missing = [f.name for f in fields.values() if f.required and f.name not in seen]
        if missing:
            self.wrong(node.pos, "missing-required", f"{struct.__name__} needs {', '.join(missing)}")
        return name

    def _entry(self, entry: Entry, field: Field, into: str, scope: Scope, optional: bool) -> None:
        if optional and field.required and not isinstance(entry.value, Scalar):
            self.wrong(entry.pos, "missing-required", f"{field.name} must always be there", "leave the ? out")
        self.path.append(field.name)
        before, self.unit.may_carry = self.unit.may_carry, may_enter(field.labels | spread(field.type))
        condition, inner = self.condition(entry.value, scope) if isinstance(entry.value, Map) else ("", scope)
        with self.writer.block(f"if {condition or 'True'}:", entry.pos):
            self._fill(entry, field.type, f"{into}[{field.name!r}]", inner, optional)
        self.unit.may_carry = before
        self.path.pop()

    def _fill(self, entry: Entry, type_: Type, target: str, scope: Scope, optional: bool) -> None:
        node = entry.value
        if type_.kind is Kind.STRUCT and not isinstance(node, Scalar):
            name = self.struct(node, type_.of, replace(scope, lenient=scope.lenient))
            self._assign(target, name, f"len({name}) > 0" if optional else "", node.pos)
        elif type_.kind is Kind.MAP and isinstance(node, Map):
            self._refs(node, target, scope)
        elif type_.kind is Kind.LIST and not isinstance(node, Scalar):
            name = self._list(node, type_.of, scope)
            self._assign(target, name, f"len({name}) > 0" if optional else "", node.pos)
        else:
            self._leaf(node, type_, target, scope, optional)

    def _assign(self, target: str, name: str, condition: str, pos: Pos) -> None:
        with self.writer.block(f"if {condition or 'True'}:", pos):
            self.writer.put(f"{target} = {name}", pos)

    def _refs(self, node: Map, target: str, scope: Scope) -> None:
        name = self.unit.temp("x")
        self.writer.put(f"{name} = {{}}", node.pos)
        for entry in node:
            key = parse_key(entry.key)
            if key.name.startswith("$"):
                continue
            if self.unit.refs is not None and key.name not in self.unit.refs | {"token"}:
                hint = did_you_mean(key.name, self.unit.refs) or "add it to refs in insurer.yaml"
                self.wrong(entry.pos, "unknown-ref", f"the manifest declares no ref {key.name!r}", hint)
            self.path.append(key.name)
            self._leaf(entry.value, Type(Kind.TEXT), f"{name}[{key.name!r}]", scope, key.optional)
            self.path.pop()
        self.writer.put(f"{target} = {name}", node.pos)

    def _list(self, node: Node, item: Type, scope: Scope) -> str:
        name = self.unit.temp("x")
        self.writer.put(f"{name} = []", node.pos)
        for part in node.items if isinstance(node, Seq) else [node]:
            if isinstance(part, Map) and part.get("$each") is not None:
                self._rows(part, item, name, scope)
            else:
                condition, inner = (
                    self.condition(part, scope) if isinstance(part, Map) and node is not part else ("", scope)
                )
                with self.writer.block(f"if {condition or 'True'}:", part.pos):
                    self._item(part, item, name, inner)
        return name

    def _rows(self, node: Map, item: Type, rows: str, scope: Scope) -> None:
        def build(inner: Scope) -> None:
            self._item(node, item, rows, inner)

        self.path.append("[]")
        self.repeat(node, scope, rows, build)
        self.path.pop()

    def _item(self, node: Node, item: Type, rows: str, scope: Scope) -> None:
        one = node.get("$item") if isinstance(node, Map) else node
        if isinstance(node, Map) and item.kind is not Kind.STRUCT:
            scope = self.lets(node, scope)
        if item.kind is Kind.STRUCT:
            self.writer.put(f"{rows}.append({self.struct(node, item.of, scope)})", node.pos)
        elif one is not None:
            value = self._converted(self.value(one, scope), item, one.pos)
            code = f"need({value.code})" if value.type.optional else value.code
            self.writer.put(f"{rows}.append({code})", one.pos)
        else:
            self.wrong(node.pos, "bad-shape", "a list of single values needs $item")

    def _leaf(self, node: Node, type_: Type, target: str, scope: Scope, optional: bool) -> None:
        value = self._converted(self.value(node, replace(scope, lenient=optional)), type_, node.pos)
        if not value.type.optional:
            self.writer.put(f"{target} = {value.code}", node.pos)
        elif optional:
            name = self.unit.temp()
            with self.writer.block(f"if ({name} := {value.code}) is not U:", node.pos):
                self.writer.put(f"{target} = {name}", node.pos)
        elif value.type.soft:
            self.writer.put(f"{target} = need({value.code})", node.pos)
        else:
            self.wrong(node.pos, "may-be-absent", f"{value.source or 'it'} may be absent", "write the key with ?")

    def _converted(self, value: Value, type_: Type, pos: Pos) -> Value:
        kind, wanted = value.type.kind, type_.kind
        if kind is Kind.ANY or wanted is Kind.ANY:
            return value
        if kind is Kind.NULL:
            return value.typed("U", replace(type_, optional=True, soft=False))
        if wanted is Kind.LIST and kind is Kind.LIST:
            return value
        if kind is not wanted and kind not in _READY.get(wanted, ()):
            hint = "use fen(x), fen_int(x) or int(x)" if wanted is Kind.INT else "convert it with a function"
            self.wrong(pos, "type-clash", f"{self.path[-1]} is a {type_.name}, this is a {value.type.name}", hint)
            return replace(value, code="U", type=Type(Kind.ANY))
        self._check_codes(value, type_, pos)
        if kind is Kind.DOC:
            return value.typed(f"dtext({value.code})", Type(Kind.TEXT, value.type.optional, soft=True))
        return value

    def _check_codes(self, value: Value, type_: Type, pos: Pos) -> None:
        if type_.kind is not Kind.ENUM:
            return
        try:
            for text in value.texts or ():
                known_code(type_.of, text)
        except MistakeError as wrong:
            self.wrong(pos, wrong.code, wrong.message, wrong.hint)
