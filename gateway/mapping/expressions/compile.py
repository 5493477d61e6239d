"""Syntax tree to typed source: each rule below is one row of the grammar, and what has no rule is not in the language."""

import ast
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.expressions import facts, loops, operators, paths
from gateway.mapping.expressions.parse import parse_expression, parse_loop
from gateway.mapping.functions import FUNCTIONS, call_function
from gateway.mapping.types import BOOL, INT, NULL, SAFE_TEXT, TEXT, Kind
from gateway.mapping.values import BROKEN, Scope, Unit, Value
from gateway.mapping.yamlfile import Pos

HEAVIEST = 1000


def compile_expression(text: str, pos: Pos, scope: Scope, unit: Unit) -> Value:
    """One expression of the file. A mistake is noted at its place and gives ``BROKEN``, so that all are found in one go."""
    try:
        tree = parse_expression(text)
        weight = _weight(tree, scope)
        value = replace(evaluate(tree, scope, unit), weight=weight)
    except MistakeError as wrong:
        return _broken(wrong, pos, unit)
    return value if may_flow(value, pos, unit) else BROKEN


def _weight(tree: ast.expr, scope: Scope) -> int:
    """Names that repeat a name that repeats a name … would grow a text without any loop."""
    used = (scope.names[part.id] for part in ast.walk(tree) if isinstance(part, ast.Name) and part.id in scope.names)
    weight = sum(value.weight for value in used) or 1
    if weight > HEAVIEST:
        raise MistakeError("bad-expression", "it is made of too many values", "use fewer names that repeat others")
    return weight


def compile_condition(text: str, pos: Pos, scope: Scope, unit: Unit) -> tuple[Value, Scope]:
    """A condition and the scope in which it holds."""
    try:
        tree = parse_expression(text)
        value = condition(tree, scope, unit)
    except MistakeError as wrong:
        return _broken(wrong, pos, unit), scope
    may_flow(value, pos, unit)
    return value, scope.having(facts.when_true(tree))


def compile_loop(text: str, pos: Pos, scope: Scope, unit: Unit) -> "loops.OpenLoop | None":
    """``x in list where cond`` of an ``$each``, or None when it is wrong."""
    try:
        opened = loops.open_loop(parse_loop(text), scope, unit, evaluate_loop_part)
    except MistakeError as wrong:
        _broken(wrong, pos, unit)
        return None
    return opened if may_flow(opened.flow, pos, unit) else None


def evaluate_loop_part(node: ast.expr, scope: Scope, unit: Unit, as_condition: bool) -> Value:
    return condition(node, scope, unit) if as_condition else evaluate(node, scope, unit)


def may_flow(value: Value, pos: Pos, unit: Unit) -> bool:
    """Lock of the label check: whatever leaves this file rests on labels that the channel may carry."""
    if unit.may_carry is None or value.labels <= unit.may_carry:
        return True
    over = ", ".join(sorted(value.labels - unit.may_carry))
    unit.note(pos, "label-leak", f"{value.source or 'this'} is {over}, which may not flow here", "leave it out")
    return False


def _broken(wrong: MistakeError, pos: Pos, unit: Unit) -> Value:
    unit.note(pos.shifted(max(0, wrong.offset)), wrong.code, wrong.message, wrong.hint)
    return BROKEN


def evaluate(node: ast.expr, scope: Scope, unit: Unit) -> Value:
    """Type one node. ``MistakeError`` carries the innermost place that is at fault."""
    rule = _RULES.get(type(node))
    try:
        if rule is None:
            raise MistakeError("not-in-language", f"{type(node).__name__} is not part of the language")
        value = rule(node, scope, unit)
        return _limited(node, value, scope) if scope.limits else value
    except MistakeError as wrong:
        wrong.offset = wrong.offset or node.col_offset
        raise
    except RecursionError:
        raise MistakeError("bad-expression", "nested too deeply") from None


def _limited(node: ast.expr, value: Value, scope: Scope) -> Value:
    """The value without what the comparisons around it exclude."""
    if not value.can or value.is_const:
        return value
    source = facts.spelling(node)
    rules = [limit for limit in scope.limits if limit.source == source]
    if not rules:
        return value
    can = tuple(one for one in value.can if all(rule.allows(one) for rule in rules))
    texts = frozenset(map(str, can)) if value.type.kind is Kind.ENUM else value.texts
    return replace(value, can=can, texts=texts)


def condition(node: ast.expr, scope: Scope, unit: Unit) -> Value:
    return operators.as_condition(evaluate(node, scope, unit))


def _constant(node: ast.Constant, _scope: Scope, _unit: Unit) -> Value:
    value = node.value
    if isinstance(value, bool):
        return Value(repr(value), BOOL, const=value)
    if isinstance(value, int):
        return Value(repr(value), INT, const=value)
    if isinstance(value, str):
        safe = value.isascii() and value.isalnum()
        return Value(repr(value), SAFE_TEXT if safe else TEXT, const=value, texts=frozenset([value]))
    if value is None:
        return Value("U", NULL, const=None)
    raise MistakeError(
        "no-float", "only text, whole numbers, true, false and null", 'write decimal("1.5") for a decimal'
    )


_WORDS = {"true": Value("True", BOOL, const=True), "false": Value("False", BOOL, const=False)}


def _name(node: ast.Name, scope: Scope, unit: Unit) -> Value:
    if node.id in _WORDS:
        return _WORDS[node.id]
    if node.id == "null":
        return Value("U", NULL, const=None)
    value = scope.names.get(node.id)
    if value is None:
        if node.id in FUNCTIONS:
            raise MistakeError("unknown-name", f"{node.id} is a function", f"write {node.id}(…)")
        raise MistakeError("unknown-name", f"no name {node.id!r} here", did_you_mean(node.id, scope.names))
    unit.roots.add(node.id)
    return paths.narrowed(value, scope)


def _attribute(node: ast.Attribute, scope: Scope, unit: Unit) -> Value:
    return paths.step(_base(node.value, scope, unit), node.attr, scope, unit)


def _subscript(node: ast.Subscript, scope: Scope, unit: Unit) -> Value:
    key = node.slice
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        raise MistakeError(
            "not-in-language", "only a quoted name can stand in […]", "use first(…) for the first of several"
        )
    return paths.step(_base(node.value, scope, unit), key.value, scope, unit)


def _base(node: ast.expr, scope: Scope, unit: Unit) -> Value:
    if isinstance(node, ast.Name) and node.id in paths.SPECIAL and node.id in scope.names:
        unit.roots.add(node.id)
        return scope.names[node.id]
    return evaluate(node, scope, unit)


def _binary(node: ast.BinOp, scope: Scope, unit: Unit) -> Value:
    left, right = evaluate(node.left, scope, unit), evaluate(node.right, scope, unit)
    return operators.binary(node.op, left, right, scope, unit)


def _unary(node: ast.UnaryOp, scope: Scope, unit: Unit) -> Value:
    if isinstance(node.op, ast.Not):
        inner = condition(node.operand, scope, unit)
        return inner.typed(f"(not {inner.code})", BOOL)
    if isinstance(node.op, ast.USub):
        return operators.negative(evaluate(node.operand, scope, unit), scope, unit)
    raise MistakeError("not-in-language", "only not and - stand before a value")


def _compare(node: ast.Compare, scope: Scope, unit: Unit) -> Value:
    if len(node.ops) != 1:
        raise MistakeError("not-in-language", "one comparison at a time", "join them with and")
    left, right, op = evaluate(node.left, scope, unit), node.comparators[0], node.ops[0]
    if isinstance(op, ast.In | ast.NotIn):
        return operators.member(left, right, isinstance(op, ast.NotIn), unit)
    return operators.compare(op, left, evaluate(right, scope, unit))


def _logic(node: ast.BoolOp, scope: Scope, unit: Unit) -> Value:
    word, parts = (" and ", []) if isinstance(node.op, ast.And) else (" or ", [])
    for operand in node.values:
        parts.append(condition(operand, scope, unit))
        learnt = facts.when_true(operand) if isinstance(node.op, ast.And) else facts.when_false(operand)
        scope = scope.having(learnt)
    return operators.joined(word, parts)


def _choice(node: ast.IfExp, scope: Scope, unit: Unit) -> Value:
    test = condition(node.test, scope, unit)
    yes = evaluate(node.body, scope.having(facts.when_true(node.test)), unit)
    no = evaluate(node.orelse, scope.having(facts.when_false(node.test)), unit)
    return operators.choose(test, yes, no)


def _call(node: ast.Call, scope: Scope, unit: Unit) -> Value:
    if not isinstance(node.func, ast.Name):
        raise MistakeError("not-in-language", "only the language's own functions can be called")
    name = node.func.id
    if len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.GeneratorExp):
        return loops.aggregate(name, node.args[0], scope, unit, evaluate_loop_part)
    if name in loops.OVER_LISTS and len(node.args) == 1 and not node.keywords:
        return loops.over_list(name, evaluate(node.args[0], scope, unit))
    if name == "code":
        return _code(node, scope, unit)
    if name not in FUNCTIONS:
        known = [*FUNCTIONS, *loops.AGGREGATES, "code"]
        raise MistakeError("unknown-function", f"no function {name!r}", did_you_mean(name, known))
    args = [evaluate(arg, scope, unit) for arg in node.args]
    options = {word.arg: evaluate(word.value, scope, unit) for word in node.keywords if word.arg}
    if len(options) != len(node.keywords):
        raise MistakeError("not-in-language", "** can't be used")
    return call_function(name, args, options, scope, unit)


def _code(node: ast.Call, scope: Scope, unit: Unit) -> Value:
    """``code(table, x)``: the table is named, not computed."""
    if len(node.args) != 2 or node.keywords or not isinstance(node.args[0], ast.Name):
        raise MistakeError("bad-argument", "code needs a table's name and a value")
    table = unit.tables.get(node.args[0].id)
    if table is None:
        raise MistakeError(
            "unknown-table",
            f"no table {node.args[0].id!r}",
            did_you_mean(node.args[0].id, unit.tables),
            node.args[0].col_offset,
        )
    return operators.look_up(table, evaluate(node.args[1], scope, unit), scope, unit)


_RULES: dict[type[ast.expr], Callable[[Any, Scope, Unit], Value]] = {
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
