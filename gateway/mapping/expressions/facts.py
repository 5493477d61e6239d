"""What a condition tells about presence: inside ``present(visit.record)`` that path is no longer optional."""

import ast

Paths = frozenset[str]
_NOTHING: Paths = frozenset()


def when_true(test: ast.expr) -> Paths:
    """Paths that are present wherever ``test`` holds."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return frozenset().union(*map(when_true, test.values))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return when_false(test.operand)
    if _is_present_call(test):
        assert isinstance(test, ast.Call)
        return frozenset([ast.unparse(test.args[0])])
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(test, test.ops[0])
    return _NOTHING


def when_false(test: ast.expr) -> Paths:
    """Paths that are present wherever ``test`` does not hold."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return frozenset().union(*map(when_false, test.values))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return when_true(test.operand)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        return frozenset([ast.unparse(test.left)]) if _is_null(test.comparators[0]) else _NOTHING
    return _NOTHING


def _compared(test: ast.Compare, op: ast.cmpop) -> Paths:
    null = _is_null(test.comparators[0])
    says_present = (isinstance(op, ast.NotEq) and null) or (isinstance(op, ast.Eq) and _is_literal(test.comparators[0]))
    if says_present or isinstance(op, ast.In):
        return frozenset([ast.unparse(test.left)])
    return _NOTHING


def _is_present_call(test: ast.expr) -> bool:
    named = isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "present"
    return named and isinstance(test, ast.Call) and len(test.args) == 1


def _is_null(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "null"


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is not None
