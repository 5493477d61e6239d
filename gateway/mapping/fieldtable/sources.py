"""Which fields an expression reads, each with its Chinese name: a walk over the syntax tree, nothing is run."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from gateway.mapping.drafting.candidates import notes_of
from gateway.mapping.errors import MistakeError
from gateway.mapping.expressions.parse import Loop, loop_of, parse_expression, parse_loop
from gateway.mapping.types import Kind, Type, fields_of


@dataclass(frozen=True, slots=True)
class Source:
    """One field that is read."""

    path: str
    zh: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """What names mean at one place of the file."""

    types: Mapping[str, tuple[Type, str]] = field(default_factory=dict)
    """Loop variables: type and the path they stand for."""
    given: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    """``let`` names: the fields behind them."""
    partner: Mapping[str, str] = field(default_factory=dict)

    def with_given(self, name: str, sources: tuple[Source, ...]) -> "Names":
        return replace(self, given={**self.given, name: sources})

    def with_loop(self, text: str) -> "Names":
        try:
            return self.looped(parse_loop(text))
        except MistakeError:
            return self

    def looped(self, loop: Loop) -> "Names":
        found = self._typed(loop.iterable)
        if found is None:
            return self.with_given(loop.variable, self.read(loop.iterable))
        type_, path = found
        item = type_.of if type_.kind is Kind.LIST else type_
        return replace(self, types={**self.types, loop.variable: (item, path)})

    def sources(self, text: str) -> tuple[Source, ...]:
        """Fields of one expression in the order of reading, each once."""
        if text.startswith("="):
            return ()
        try:
            return self.read(parse_expression(text))
        except MistakeError:
            return ()

    def loop_sources(self, text: str) -> tuple[Source, ...]:
        try:
            loop = parse_loop(text)
        except MistakeError:
            return ()
        found = self._typed(loop.iterable)
        return (Source(found[1]),) if found else self.read(loop.iterable)

    def read(self, node: ast.AST) -> tuple[Source, ...]:
        return tuple(dict.fromkeys(self._walk(node)))

    def _walk(self, node: ast.AST) -> Iterator[Source]:
        if isinstance(node, ast.GeneratorExp):
            loop = loop_of(node.generators[0])
            yield from self._walk(loop.iterable) if self._typed(loop.iterable) is None else ()
            yield from self.looped(loop)._walk(node.elt)
            return
        dotted = _dotted(node)
        if dotted:
            yield from self._named(dotted)
            return
        inner = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        for child in inner:
            yield from self._walk(child)

    def _named(self, dotted: list[str]) -> Iterator[Source]:
        root, rest = dotted[0], dotted[1:]
        if root == "refs":
            yield Source(".".join(dotted), "对方单号")
        elif root in self.types:
            type_, path = self.types[root]
            yield _leaf(type_, path, rest)
        elif root in self.given:
            yield from (Source(".".join((one.path, *rest)), one.zh) for one in self.given[root])
        elif root == "partner" and rest:
            yield Source(".".join(dotted), "约定值 " + self.partner.get(rest[0], ""))
        elif root in ("r", "http", "protected", "sent") and rest:
            yield Source(".".join(dotted))

    def _typed(self, node: ast.AST) -> tuple[Type, str] | None:
        dotted = _dotted(node)
        if not dotted or dotted[0] not in self.types:
            return None
        type_, path = self.types[dotted[0]]
        for step in dotted[1:]:
            found = fields_of(type_.of).get(step) if type_.kind is Kind.STRUCT else None
            if found is None:
                return None
            type_, path = found.type, f"{path}.{step}" if path else step
        return type_, path


def _dotted(node: ast.AST) -> list[str]:
    """``a.b["c d"]`` as its steps; empty for anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)):
        return [*base, node.attr]
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and (base := _dotted(node.value)):
        return [*base, str(node.slice.value)]
    return []


def _leaf(type_: Type, path: str, steps: list[str]) -> Source:
    zh = ""
    for step in steps:
        if type_.kind is not Kind.STRUCT or step not in fields_of(type_.of):
            break
        zh = notes_of(type_.of)[step].get("x-zh", "")
        type_ = fields_of(type_.of)[step].type
    return Source(".".join(filter(None, (path, *steps))), zh)


def root_names(source: type | None, partner: Mapping[str, str]) -> Names:
    types = {name: (found.type, name) for name, found in fields_of(source).items()} if source else {}
    return Names(types, {}, partner)
