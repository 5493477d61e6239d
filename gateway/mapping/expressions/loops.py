"""Loops: ``$each``, and the functions that go over a list with ``for … where``."""

import ast
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from gateway.mapping.errors import MistakeError
from gateway.mapping.expressions import facts, operators, paths
from gateway.mapping.expressions.parse import Loop, loop_of
from gateway.mapping.lift import made, merged
from gateway.mapping.types import BOOL, DECIMAL, INT, Kind, Type, spread
from gateway.mapping.values import Scope, Unit, Value

Evaluate = Callable[[ast.expr, Scope, Unit, bool], Value]
AGGREGATES = ("sum", "count", "any", "all", "first", "list", "groups")
OVER_LISTS = ("count", "first")


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """A loop ready for its body: generated names, the filter, and the scope in which the body stands."""

    variable: str
    iterable: str
    condition: str
    scope: Scope
    flow: Value
    """What its number of rounds tells."""


def open_loop(loop: Loop, scope: Scope, unit: Unit, evaluate: Evaluate) -> OpenLoop:
    listed = evaluate(loop.iterable, replace(scope, no_walrus=True), unit, False)
    code, item_type = paths.as_list(listed)
    labels = listed.labels | spread(listed.type)
    name = unit.temp("v")
    at = listed.at.item() if listed.at is not None else None
    item = Value(name, item_type, item_type.labels, loop.variable, path=loop.variable, at=at)
    inner = scope.with_names(**{loop.variable: item})
    known = frozenset(path for path in scope.known if not _is_below(path, loop.variable))
    limits = tuple(limit for limit in scope.limits if not facts.speaks_of(limit.source, loop.variable))
    inner = replace(inner, known=known, limits=limits, loops=scope.loops + 1)
    flow = replace(listed, labels=labels)
    if scope.loops:
        code = f"rounds(h_found, {code})"
    if loop.condition is None:
        return OpenLoop(name, code, "", inner, flow)
    test = evaluate(loop.condition, inner, unit, True)
    flow = made("", BOOL, [flow, test])
    return OpenLoop(name, code, test.code, inner.having(facts.when_true(loop.condition)), flow)


def _is_below(path: str, variable: str) -> bool:
    return path == variable or path.startswith(variable + ".")


def aggregate(name: str, node: ast.GeneratorExp, scope: Scope, unit: Unit, evaluate: Evaluate) -> Value:
    """``sum(x for …)`` and its kin."""
    if name not in AGGREGATES:
        raise MistakeError("unknown-function", f"{name} takes no for", f"only {', '.join(AGGREGATES)} do")
    if len(node.generators) != 1:
        raise MistakeError("not-in-language", "one for at a time", "nest a second one inside")
    if name == "list" and _asks_position(node.elt):
        return _numbered(node, scope, unit, evaluate)
    loop = open_loop(loop_of(node.generators[0]), scope, unit, evaluate)
    body = evaluate(node.elt, loop.scope, unit, name in ("any", "all"))
    test = f" if {loop.condition}" if loop.condition else ""
    if name == "groups":
        return _groups(loop, body, test)
    items = f"[{_element(name, body)} for {loop.variable} in {loop.iterable}{test}]"
    return _finish(name, items, body, [body, loop.flow])


def _asks_position(body: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "position" for part in ast.walk(body))


def _numbered(node: ast.GeneratorExp, scope: Scope, unit: Unit, evaluate: Evaluate) -> Value:
    """``list(text(position) + x.name for x in list where …)``: the rows that are left are counted from 1."""
    # The filter moves into the iterable, where Python allows no assignment expression.
    loop = open_loop(loop_of(node.generators[0]), replace(scope, no_walrus=True), unit, evaluate)
    number = unit.temp("v")
    named = loop.scope.with_names(position=Value(number, INT, loop.flow.labels, "position"))
    body = evaluate(node.elt, named, unit, False)
    rows = f"[{loop.variable} for {loop.variable} in {loop.iterable} if {loop.condition or 'True'}]"
    items = f"[{_element('list', body)} for {number}, {loop.variable} in enumerate({rows}, 1)]"
    return _finish("list", items, body, [body, loop.flow])


_KEYS = frozenset({Kind.TEXT, Kind.ENUM, Kind.INT, Kind.BOOL, Kind.DATE, Kind.ANY})


def _groups(loop: OpenLoop, key: Value, test: str) -> Value:
    """``groups(key for x in list)``: rows of the same key together, in the order in which the keys first come."""
    key = operators.as_text(key)
    if key.type.kind not in _KEYS:
        raise MistakeError("type-clash", f"a {key.type.name} can't be a group's key", "use a text, code, number or day")
    if key.type.optional and not key.type.soft:
        raise MistakeError("may-be-absent", f"{key.source or 'the key'} may be absent", "use default(x, …) or where")
    code = f"need({key.code})" if key.type.optional else key.code
    row = next(v.type for v in loop.scope.names.values() if v.code == loop.variable)
    labels, source = merged([key, loop.flow])
    group = Type(Kind.GROUP, of=(replace(key.type.present(), soft=False, labels=labels), row))
    pairs = f"[({code}, {loop.variable}) for {loop.variable} in {loop.iterable}{test}]"
    return Value(f"grouped({pairs})", Type(Kind.LIST, of=group), labels, source)


def _element(name: str, body: Value) -> str:
    if name == "count":
        return "1"
    if name in ("sum", "list") and body.type.optional:
        if not body.type.soft:
            raise MistakeError(
                "may-be-absent", f"{body.source or 'the value'} may be absent in some rows", "filter with where"
            )
        return f"need({body.code})"
    return body.code


def _finish(name: str, items: str, body: Value, flow: list[Value]) -> Value:
    if name == "count":
        return made(f"len({items})", INT, flow)
    if name in ("any", "all"):
        return made(f"{name}({items})", BOOL, flow)
    if name == "list":
        return made(items, Type(Kind.LIST, of=body.type.present()), flow)
    if name == "first":
        return _first(items, body, flow)
    if body.type.kind not in (Kind.INT, Kind.DECIMAL, Kind.ANY):
        raise MistakeError("type-clash", f"sum needs numbers, not a {body.type.name}")
    start = ", ZERO" if body.type.kind is Kind.DECIMAL else ""
    return replace(made(f"sum({items}{start})", DECIMAL if start else INT, flow), can=body.can)


def _first(items: str, body: Value, flow: list[Value]) -> Value:
    labels, source = merged(flow)
    soft = body.type.kind is Kind.DOC or body.type.soft or any(v.type.soft for v in flow)
    return Value(f"first({items})", body.type.absent(soft), labels, source, texts=body.texts, can=body.can, at=body.at)


def over_list(name: str, listed: Value) -> Value:
    """``count(list)`` and ``first(list)``."""
    code, item = paths.as_list(listed)
    flow = replace(listed, labels=listed.labels | spread(listed.type))
    if name == "count":
        return made(f"len({code})", INT, [flow])
    soft = listed.type.kind is Kind.DOC
    at = listed.at.item() if listed.at is not None else None
    return Value(f"first({code})", item.absent(soft), flow.labels | item.labels, listed.source, at=at)
