"""Expressions by interpretation: one rule per row of the grammar, as in the compiler, but on values instead of source."""

import ast
import operator
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec
from msgspec import UNSET

from gateway.kernel.labels import Label
from gateway.mapping.errors import MistakeError
from gateway.mapping.explain.functions import FUNCTIONS
from gateway.mapping.explain.loops import aggregate, over_list
from gateway.mapping.explain.values import (
    NOTHING,
    Doc,
    Fen,
    Got,
    Group,
    Names,
    all_reads,
    as_text,
    raw,
)
from gateway.mapping.functions import FUNCTIONS as SIGNATURES
from gateway.mapping.functions.base import Param
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.documents import dbool, ddecimal, dnumber, jget
from gateway.mapping.types import Kind, fields_of

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_MONEY = frozenset({Label.FINANCIAL.value})


def evaluate(node: ast.expr, names: Names) -> Got:
    """The value of a checked expression. Raises ``RefusalError`` where generated code would."""
    rule = _RULES.get(type(node))
    if rule is None:
        raise MistakeError("not-in-language", f"explain does not know {type(node).__name__}")
    return rule(node, names)


def holds(node: ast.expr, names: Names) -> bool:
    """A condition; an absent one counts as no."""
    return evaluate(node, names).value is True


def _constant(node: ast.Constant, _names: Names) -> Got:
    return NOTHING if node.value is None else Got(node.value)


def _name(node: ast.Name, names: Names) -> Got:
    if node.id in ("true", "false"):
        return Got(node.id == "true")
    return NOTHING if node.id == "null" else names.values[node.id]


def _attribute(node: ast.Attribute, names: Names) -> Got:
    return _step(node.value, node.attr, names)


def _subscript(node: ast.Subscript, names: Names) -> Got:
    assert isinstance(node.slice, ast.Constant)
    return _step(node.value, str(node.slice.value), names)


def _step(base: ast.expr, name: str, names: Names) -> Got:
    root = base.id if isinstance(base, ast.Name) else ""
    if root == "partner":
        return Got(names.world.partner[name], f"partner.{name}", (f"partner.{name}",))
    if root == "http":
        return Got(names.world.status, "http.status", ("http.status",))
    if root == "protected":
        return Got(Doc("json", jget(names.world.protected, name)), reads=(f"protected.{name}",))
    holder = evaluate(base, names)
    value = holder.value
    if isinstance(value, Doc):
        return holder.below(value.step(name), f".{name}")
    if isinstance(value, Group):
        return value.key if name == "key" else holder.made(value.rows)
    if isinstance(value, msgspec.Struct):
        return holder.below(_field(value, name), f".{name}")
    if isinstance(value, dict):
        return holder.below(value.get(name, UNSET), f".{name}")
    return holder.below(UNSET, f".{name}")


def _field(holder: msgspec.Struct, name: str) -> Any:
    """A field of the source; a whole number with the financial label is an amount in 分."""
    value, struct = getattr(holder, name), type(holder)
    return Fen(value) if type(value) is int and fields_of(struct)[name].labels == _MONEY else value


def _binary(node: ast.BinOp, names: Names) -> Got:
    pair = [evaluate(side, names) for side in (node.left, node.right)]
    reads = all_reads(pair)
    if any(side.absent for side in pair):
        return Got(UNSET, reads=reads)
    left, right = (as_text(side.value) for side in pair)
    return Got(_ARITHMETIC[type(node.op)](_plain(left), _plain(right)), reads=reads)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _unary(node: ast.UnaryOp, names: Names) -> Got:
    inner = evaluate(node.operand, names)
    if isinstance(node.op, ast.Not):
        return inner.made(inner.value is not True)
    return inner.made(UNSET if inner.absent else -inner.value)


def _compare(node: ast.Compare, names: Names) -> Got:
    op, right_node = node.ops[0], node.comparators[0]
    left = evaluate(node.left, names)
    if isinstance(op, ast.In | ast.NotIn):
        wanted = ast.literal_eval(right_node)
        found = as_text(left.value) in (wanted if isinstance(wanted, tuple) else (wanted,))
        return left.made(found is isinstance(op, ast.In))
    right = evaluate(right_node, names)
    reads = all_reads((left, right))
    if _is_null(node.left) or _is_null(right_node):
        both = left.absent and right.absent
        return Got(both is isinstance(op, ast.Eq), reads=reads)
    return Got(_compared(op, _on_ground(left.value, right.value), _on_ground(right.value, left.value)), reads=reads)


def _is_null(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "null"


def _on_ground(value: Any, other: Any) -> Any:
    """A document value takes the type of what it is compared with."""
    if not isinstance(value, Doc):
        return value
    if isinstance(other, bool):
        return dbool(value.value)
    number = not isinstance(other, Doc | str) and other is not UNSET
    return dnumber(value.value) if number else as_text(value)


def _compared(op: ast.cmpop, left: Any, right: Any) -> bool:
    if isinstance(op, ast.Eq):
        return bool(left == right)
    if isinstance(op, ast.NotEq):
        return bool(left != right)
    return left is not UNSET and right is not UNSET and _ORDER[type(op)](left, right)


def _logic(node: ast.BoolOp, names: Names) -> Got:
    stop_at = isinstance(node.op, ast.Or)
    parts: list[Got] = []
    for part in node.values:
        parts.append(evaluate(part, names))
        if (parts[-1].value is True) is stop_at:
            return Got(stop_at, reads=all_reads(parts))
    return Got(not stop_at, reads=all_reads(parts))


def _choice(node: ast.IfExp, names: Names) -> Got:
    test = evaluate(node.test, names)
    arm, other = (node.body, node.orelse) if test.value is True else (node.orelse, node.body)
    chosen = _beside(evaluate(arm, names), other)
    return Got(chosen.value, chosen.path, all_reads((chosen, test)))


def _beside(got: Got, other: ast.expr) -> Got:
    """One of two alternatives: beside a text a document value is text, and neither is a list any more."""
    if not isinstance(got.value, Doc):
        return got
    if isinstance(other, ast.Constant) and isinstance(other.value, str):
        return got.made(as_text(got.value))
    return Got(got.value.alone(), got.path, got.reads)


def _call(node: ast.Call, names: Names) -> Got:
    assert isinstance(node.func, ast.Name)
    name, args = node.func.id, node.args
    if len(args) == 1 and not node.keywords:
        if isinstance(args[0], ast.GeneratorExp):
            return aggregate(name, args[0], names, evaluate)
        if name in ("count", "first"):
            return over_list(name, evaluate(args[0], names))
    if name == "code":
        return _look_up(node, names)
    if name == "default":
        return _default(args, names)
    return _function(name, node, names)


def _look_up(node: ast.Call, names: Names) -> Got:
    assert isinstance(node.args[0], ast.Name)
    table, got = names.world.tables[node.args[0].id], evaluate(node.args[1], names)
    key = _plain(as_text(got.value))
    if key is UNSET:
        passes = names.lenient or table.default is None
        return got.made(UNSET if passes else table.default)
    spelt = ("true" if key else "false") if isinstance(key, bool) else str(key)
    found = table.rows.get(spelt, table.default)
    if found is None:
        raise RefusalError(f"table {table.name} has no row for it")
    return got.made(found)


def _default(args: list[ast.expr], names: Names) -> Got:
    first = _beside(evaluate(args[0], names), args[1])
    if not first.absent:
        return first
    other = evaluate(args[1], names)
    return Got(other.value, other.path, all_reads((first, other)))


def _function(name: str, node: ast.Call, names: Names) -> Got:
    signature, work = SIGNATURES[name], FUNCTIONS.get(name)
    if work is None:
        raise MistakeError("unknown-function", f"explain does not know the function {name}")
    options = {word.arg: word.value for word in node.keywords}
    args: list[Got] = []
    for position, param in enumerate(signature.params):
        given = node.args[position] if position < len(node.args) else options.get(param.name)
        got = Got(param.default) if given is None else evaluate(given, names)
        if got.absent and not signature.takes_absent:
            return Got(UNSET, reads=all_reads((*args, got)))
        args.append(got.made(_accepted(param, got.value)))
    reads = all_reads(args)
    return Got(work(*(arg.value for arg in args)), reads=reads)


def _accepted(param: Param, value: Any) -> Any:
    """A document value as the kind of value that the parameter takes."""
    if not isinstance(value, Doc) or Kind.DOC in param.accepts:
        return value
    if Kind.TEXT in param.accepts:
        return as_text(value)
    return ddecimal(raw(value)) if Kind.DECIMAL in param.accepts else dbool(raw(value))


_RULES: dict[type[ast.expr], Callable[[Any, Names], Got]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _logic,
    ast.IfExp: _choice,
    ast.Call: _call,
}
