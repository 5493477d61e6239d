"""Loops by interpretation: the rounds of ``$each``, and the functions that go over a list with ``for … where``."""

import ast
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from gateway.mapping.explain.values import Doc, Got, Group, Names, all_reads, as_text, items_of, needed
from gateway.mapping.expressions.parse import Loop, loop_of

Evaluate = Callable[[ast.expr, Names], Got]


def rounds(loop: Loop, names: Names, evaluate: Evaluate, *, apart: bool) -> list[Names]:
    """The names of each round of a loop that passes its filter."""
    listed = evaluate(loop.iterable, names)
    found = [names.having(**{loop.variable: item}) for item in items_of(listed, apart=apart)]
    return [one for one in found if loop.condition is None or evaluate(loop.condition, one).value is True]


def aggregate(name: str, node: ast.GeneratorExp, names: Names, evaluate: Evaluate) -> Got:
    """``sum(x for …)`` and its kin."""
    loop = loop_of(node.generators[0])
    inner = rounds(loop, names, evaluate, apart=name in ("first", "groups"))
    over = evaluate(loop.iterable, names)
    if name == "count":
        return over.made(len(inner))
    if name == "list":
        inner = [one.having(position=Got(number)) for number, one in enumerate(inner, 1)]
    if name == "groups":
        return over.made(_groups(node.elt, loop.variable, inner, evaluate))
    bodies = [evaluate(node.elt, one) for one in inner]
    reads = all_reads((over.made(None), *bodies)) if not bodies else all_reads(bodies)
    if name in ("any", "all"):
        truths = [body.value is True for body in bodies]
        return Got(any(truths) if name == "any" else all(truths), reads=reads)
    if name == "first":
        return Got(_unlisted(bodies[0].value), bodies[0].path, bodies[0].reads) if bodies else Got(UNSET, reads=reads)
    values = [needed(body.value) for body in bodies]
    return Got(sum(values) if name == "sum" else bodies, reads=reads)


def _groups(key: ast.expr, variable: str, inner: list[Names], evaluate: Evaluate) -> list[Got]:
    """Rows of the same key together, in the order in which the keys first come."""
    found: dict[Any, Group] = {}
    for one in inner:
        got = evaluate(key, one)
        text = needed(as_text(got.value))
        found.setdefault(text, Group(got.made(text), [])).rows.append(one.values[variable])
    return [Got(group, reads=group.key.reads) for group in found.values()]


def _unlisted(value: Any) -> Any:
    return value.alone() if isinstance(value, Doc) else value


def over_list(name: str, listed: Got) -> Got:
    """``count(list)`` and ``first(list)``."""
    items = items_of(listed, apart=True)
    if name == "count":
        return listed.made(len(items))
    return items[0] if items else listed.made(UNSET)
