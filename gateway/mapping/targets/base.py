"""What all target trees share: keys, leaves with their places, conditions and repeats as statements."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from gateway.mapping import witness
from gateway.mapping.code.writer import Code, Parts, Writer
from gateway.mapping.expressions import compile_condition, compile_expression, compile_loop
from gateway.mapping.expressions.loops import OpenLoop
from gateway.mapping.types import INT, TEXT, Kind
from gateway.mapping.values import ANY_PLACES, BROKEN, Leaf, Scope, Unit, Value
from gateway.mapping.yamlfile import Entry, Map, Node, Pos, Scalar, text_of


class Key(msgspec.Struct, frozen=True):
    """A key of the target tree: ``Name``, ``Name?``, ``Name@`` or ``Name@?``."""

    name: str
    attribute: bool
    optional: bool


@lru_cache(maxsize=4096)
def parse_key(key: str) -> Key:
    optional = key.endswith("?")
    name = key[:-1] if optional else key
    attribute = name.endswith("@")
    return Key(name[:-1] if attribute else name, attribute, optional)


class Shape(msgspec.Struct):
    """What a node can become, for the static check against the target's schema."""

    pos: Pos
    kind: str = "any"
    nullable: bool = False
    name: str = ""
    names: tuple[str, ...] = ()
    """The names that a computed one may be."""
    namespace: str = ""
    maybe_missing: bool = False
    many: bool = False
    texts: frozenset[str] | None = None
    can: tuple[str, ...] = ()
    """Some texts that it can really be, where not all of them are known."""
    source: str = ""
    """The paths that its value comes from."""
    spelt: bool = False
    """A leaf whose text is one value's."""
    places: int | None = None
    """See ``Value.places``."""
    looped: bool = False
    """One for each row of a list: that there is at least one is seen at run time."""
    members: list["Shape"] = []
    attributes: list["Shape"] = []


def variants(members: list[Shape]) -> list[Shape]:
    """Members with one name each: a computed name may be any of several, and then none of them is sure."""
    found: list[Shape] = []
    for one in members:
        if len(one.names) < 2:
            found.append(replace(one, name=one.names[0]) if one.names else one)
        else:
            found += [replace(one, name=name, names=(), maybe_missing=True) for name in one.names]
    return found


def leaf_shape(pos: Pos, kind: str, value: Value) -> Shape:
    """The shape of one value."""
    can = () if value.texts is not None else witness.spelt(witness.of(value), value.type)
    places = {Kind.INT: 0, Kind.DECIMAL: ANY_PLACES}.get(value.type.kind, value.places)
    return Shape(pos, kind, texts=value.texts, can=can, source=value.source, spelt=True, places=places)


class Tree:
    """Base of the target builders: one per section, holding the unit, the writer and where we are in the tree."""

    def __init__(self, unit: Unit, writer: Writer) -> None:
        self.unit = unit
        self.writer = writer
        self.path: list[str] = []

    def wrong(self, pos: Pos, code: str, message: str, hint: str = "") -> None:
        self.unit.note(pos, code, message, hint)

    def value(self, node: Node, scope: Scope, suffix: str = "") -> Value:
        """A scalar of the tree: ``=text`` or an expression."""
        if not isinstance(node, Scalar):
            self.wrong(node.pos, "bad-shape", "a single value was expected here")
            return BROKEN
        target = ".".join(self.path) + suffix
        if node.text.startswith("="):
            text = node.text[1:]
            return Value(repr(text), TEXT, const=text, texts=frozenset([text]))
        value = compile_expression(node.text, node.pos, scope, self.unit)
        self.unit.leaves[node.pos.key] = Leaf(target, value.source)
        return value

    def lets(self, node: Map, scope: Scope) -> Scope:
        """The names of a node's ``$let``, given in each round of its ``$each``, visible below it."""
        spelt = node.get("$let")
        if spelt is None:
            return scope
        if not isinstance(spelt, Map):
            self.wrong(spelt.pos, "bad-shape", "$let is {name: expression}")
            return scope
        return self.named(spelt, scope)

    def named(self, node: Map | None, scope: Scope) -> Scope:
        for entry in node or ():
            key = parse_key(entry.key)
            if not key.name.isidentifier() or key.name in scope.names:
                self.wrong(entry.pos, "bad-name", f"{key.name!r} is already a name here, or is none")
                continue
            value = self._named_value(entry, key, scope)
            scope = scope.with_names(**{key.name: replace(value, path=key.name)})
        return scope

    def _named_value(self, entry: Entry, key: Key, scope: Scope) -> Value:
        path, self.path = self.path, [*self.path, "let " + key.name]
        value = self.value(entry.value, replace(scope, lenient=key.optional))
        self.path = path
        if value.is_const:
            return value
        name = self.unit.temp()
        self.writer.put(f"{name} = {value.code}", entry.value.pos)
        return replace(value, code=name, choice=None)

    def condition(self, node: Map, scope: Scope) -> tuple[str, Scope]:
        """Source of the node's ``$when`` (empty when it has none) and the scope below it."""
        when = node.get("$when")
        if when is None:
            return "", scope
        text = text_of(when, self.unit.book, "$when")
        value, inner = compile_condition(text, when.pos, scope, self.unit)
        self.unit.leaves[when.pos.key] = Leaf(".".join(self.path) + " $when", value.source)
        return value.code if value is not BROKEN else "False", inner

    def only_if(self, condition: str, pos: Pos, build: Callable[[], Parts]) -> Parts:
        """``build`` inside an ``if``; empty text otherwise."""
        if not condition:
            return build()
        name = self.unit.temp("p")
        with self.writer.block(f"if {condition}:", pos):
            self.writer.put_text(f"{name} = ", build(), "", pos)
        with self.writer.block("else:", pos):
            self.writer.put(f"{name} = ''", pos)
        return [Code(name, pos)]

    def loop(self, node: Map, scope: Scope) -> "OpenLoop | None":
        each = node.get("$each")
        assert each is not None
        text = text_of(each, self.unit.book, "$each")
        self.unit.leaves[each.pos.key] = Leaf(".".join(self.path) + " $each", text)
        return compile_loop(text, each.pos, scope, self.unit)

    def repeat(self, node: Map, scope: Scope, rows: str, build: Callable[[Scope], Parts | None]) -> None:
        """Statements that append one text per round to the list ``rows``."""
        each = node.get("$each")
        assert each is not None
        loop = self.loop(node, scope)
        if loop is None:
            build(scope.with_names(**self._guessed(text_of(each, self.unit.book, "$each"))))
            return
        inner = loop.scope.with_names(position=Value(f"(len({rows}) + 1)", INT, loop.flow.labels, "position"))
        start, before = self.unit.counter, len(self.writer.lines)
        with self.writer.block(f"for {loop.variable} in {loop.iterable}:", each.pos), self._filtered(loop, each.pos):
            parts = build(inner)
            if parts is not None:
                parts = self.writer.hoist(
                    parts, before, lambda: self.unit.temp("g"), lambda code: _is_fixed(code, start)
                )
                self.writer.put_text(f"{rows}.append(", parts, ")", node.pos)

    def _filtered(self, loop: OpenLoop, pos: Pos) -> "AbstractContextManager[None]":
        return self.writer.block(f"if {loop.condition or 'True'}:", pos)

    @staticmethod
    def _guessed(text: str) -> dict[str, Value]:
        """After a wrong ``$each`` its variable is anything, so that the body's own mistakes are still found."""
        name = text.split(" in ")[0].strip()
        return {name: BROKEN, "position": BROKEN} if name.isidentifier() else {"position": BROKEN}

    def required(self, value: Value, code: str, pos: Pos, target: str) -> str:
        """Source of a value that must be there: a document's absence is refused at run time, any other at check time."""
        if not value.type.optional or value.type.kind is Kind.ANY:
            return code
        if value.type.soft:
            return f"need({code})"
        self.needs_value(value, pos, target)
        return code

    def needs_value(self, value: Value, pos: Pos, target: str) -> bool:
        if not value.type.optional or value.type.kind is Kind.ANY:
            return True
        self.wrong(pos, "may-be-absent", f"{value.source or target} may be absent", f"write {target}? or default(x, …)")
        return False


_ESCAPED_PATH = re.compile(r"(?:jtext|xtext|xattr)\((?:s_[a-z_]+(?:\.[a-z_]+)+|t(\d+))\)")


def _is_fixed(code: str, start: int) -> bool:
    """An escaped text that no round changes: a path from a root, or a name given before the loop."""
    found = _ESCAPED_PATH.fullmatch(code)
    return found is not None and (found[1] is None or int(found[1]) <= start)
