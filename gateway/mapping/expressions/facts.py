"""What a condition tells about the values below it: that a path is present, and between which limits a value lies."""

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Paths = frozenset[str]


@dataclass(frozen=True, slots=True)
class Limit:
    """``source op const``, as it holds; the source is an expression in one spelling."""

    source: str
    op: Callable[[Any, Any], bool]
    const: Any

    def allows(self, value: Any) -> bool:
        try:
            return bool(self.op(value, self.const))
        except TypeError:
            return True


@dataclass(frozen=True, slots=True)
class Facts:
    present: Paths = frozenset()
    limits: tuple[Limit, ...] = ()

    def __or__(self, other: "Facts") -> "Facts":
        return Facts(self.present | other.present, self.limits + other.limits)


NOTHING = Facts()
_COMPARE: dict[type[ast.cmpop], tuple[Callable[[Any, Any], bool], Callable[[Any, Any], bool]]] = {
    ast.Eq: (operator.eq, operator.ne),
    ast.NotEq: (operator.ne, operator.eq),
    ast.Lt: (operator.lt, operator.ge),
    ast.LtE: (operator.le, operator.gt),
    ast.Gt: (operator.gt, operator.le),
    ast.GtE: (operator.ge, operator.lt),
    ast.In: (lambda value, some: value in some, lambda value, some: value not in some),
    ast.NotIn: (lambda value, some: value not in some, lambda value, some: value in some),
}
"""Operator, and its opposite."""


@lru_cache(maxsize=8192)
def spelling(node: ast.expr) -> str:
    """An expression in the one spelling that paths and limits are compared in; trees are kept by the parser and never change."""
    return ast.unparse(node)


def speaks_of(text: str, name: str) -> bool:
    """Whether an expression reads the name."""
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(ast.parse(text, mode="eval")))


def when_true(test: ast.expr) -> Facts:
    """What holds wherever ``test`` holds."""
    return _learnt(test, True)


def when_false(test: ast.expr) -> Facts:
    """What holds wherever ``test`` does not hold."""
    return _learnt(test, False)


def _learnt(test: ast.expr, holds: bool) -> Facts:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And if holds else ast.Or):
        found = NOTHING
        for part in test.values:
            found |= _learnt(part, holds)
        return found
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _learnt(test.operand, not holds)
    if holds and _is_present_call(test):
        assert isinstance(test, ast.Call)
        return Facts(frozenset([spelling(test.args[0])]))
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(test, test.ops[0], holds)
    return NOTHING


def _compared(test: ast.Compare, op: ast.cmpop, holds: bool) -> Facts:
    left, right = spelling(test.left), test.comparators[0]
    if _is_null(right):
        says_present = isinstance(op, ast.NotEq if holds else ast.Eq)
        return Facts(frozenset([left])) if says_present else NOTHING
    const = _constant(right)
    if const is None or type(op) not in _COMPARE:
        return NOTHING
    limit = Limit(left, _COMPARE[type(op)][0 if holds else 1], const)
    positive = holds and isinstance(op, ast.Eq | ast.In)
    return Facts(frozenset([left]) if positive else frozenset(), (limit,))


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.Tuple):
        parts = [part.value for part in node.elts if isinstance(part, ast.Constant)]
        return tuple(parts) if len(parts) == len(node.elts) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return -node.operand.value if isinstance(node.operand.value, int) else None
    return node.value if isinstance(node, ast.Constant) else None


def _is_present_call(test: ast.expr) -> bool:
    named = isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "present"
    return named and isinstance(test, ast.Call) and len(test.args) == 1


def _is_null(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "null"
