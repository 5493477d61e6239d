"""Operators and the choices between values. All arithmetic is exact; comparison never guesses a type."""

import ast
import operator
from collections.abc import Callable
from enum import Enum
from typing import Any

from msgspec.structs import replace

from gateway.mapping import witness
from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.lift import lift, made, merged, texty
from gateway.mapping.runtime.base import TableRows
from gateway.mapping.tables import Table
from gateway.mapping.types import BOOL, DECIMAL, INT, NULL, NUMBER, SAFE_TEXT, TEXT, Kind, Type, spread
from gateway.mapping.values import Scope, Unit, Value

_NUMERIC = (Kind.INT, Kind.DECIMAL)
_COMPARABLE = {Kind.TEXT, Kind.INT, Kind.DECIMAL, Kind.BOOL, Kind.DATE, Kind.DATETIME, Kind.ENUM}
_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_ARITHMETIC: dict[str, Callable[..., Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def as_condition(value: Value) -> Value:
    """A definite yes or no: an absent document value counts as no."""
    if value.type.kind is Kind.ANY:
        return value
    if value.type.kind is not Kind.BOOL:
        raise MistakeError(
            "type-clash", f"a condition is true or false, this is a {value.type.name}", "compare it with something"
        )
    if not value.type.optional:
        return value
    if value.type.soft:
        return value.typed(f"({value.code} is True)", BOOL)
    raise MistakeError("may-be-absent", f"{value.source or 'the condition'} may be absent", "use default(x, false)")


def as_text(value: Value) -> Value:
    """A document value read as text; other kinds as they are."""
    if value.type.kind is Kind.DOC:
        return value.typed(f"dtext({value.code})", Type(Kind.TEXT, optional=True, soft=True))
    return value


def binary(op: ast.operator, left: Value, right: Value, scope: Scope, unit: Unit) -> Value:
    sign = _SIGNS.get(type(op))
    if sign is None:
        raise MistakeError("not-in-language", "only + - * here", "division is div(a, b, places)")
    if sign == "+" and any(texty(v) for v in (left, right)):
        left, right = as_text(left), as_text(right)
    return lift([left, right], scope, unit, lambda pair: _plain(sign, *pair), f"{sign}")


def _plain(sign: str, left: Value, right: Value) -> Value:
    kinds = (left.type.kind, right.type.kind)
    if Kind.ANY in kinds:
        return made("U", Type(Kind.ANY), [left, right])
    if sign == "+" and texty(left) and texty(right):
        type_ = SAFE_TEXT if left.type.safe and right.type.safe else TEXT
        whole = made(f"cat({left.code}, {right.code})", type_, [left, right])
        return replace(whole, can=witness.joined(left, right))
    if kinds[0] in _NUMERIC and kinds[1] in _NUMERIC:
        type_ = DECIMAL if Kind.DECIMAL in kinds else INT
        can = witness.reckoned(_ARITHMETIC[sign], left, right)
        return replace(made(f"({left.code} {sign} {right.code})", type_, [left, right]), can=can)
    hint = "use text(x) to join" if Kind.TEXT in kinds else "use int(x), decimal(x) or fen(x) first"
    raise MistakeError("type-clash", f"a {left.type.name} {sign} a {right.type.name}", hint)


def negative(value: Value, scope: Scope, unit: Unit) -> Value:
    if value.is_const and isinstance(value.const, int) and not isinstance(value.const, bool):
        return Value(f"({-value.const})", INT, const=-value.const)
    if value.type.kind not in _NUMERIC:
        raise MistakeError("type-clash", f"- before a {value.type.name}")
    return lift([value], scope, unit, lambda one: one[0].typed(f"(-{one[0].code})", one[0].type), "-")


def compare(op: ast.cmpop, left: Value, right: Value) -> Value:
    sign = _COMPARE.get(type(op))
    if sign is None:
        raise MistakeError("not-in-language", "is can't be used", "write ==")
    if right.type.kind is Kind.NULL or left.type.kind is Kind.NULL:
        return _against_null(sign, left, right)
    left, right = _same_ground(left, right)
    left, right = _same_ground(right, left)[::-1]
    _comparable(left, right)
    if sign in ("==", "!="):
        return made(f"({left.code} {sign} {right.code})", BOOL, [left, right])
    return _ordered(sign, left, right)


def _ordered(sign: str, left: Value, right: Value) -> Value:
    if left.type.kind in (Kind.BOOL, Kind.ENUM, Kind.DOC):
        raise MistakeError("type-clash", f"a {left.type.name} has no order", "use int(x), decimal(x) or fen(x) first")
    if any(v.type.optional and not v.type.soft for v in (left, right)):
        raise MistakeError("may-be-absent", "a compared value may be absent", "use default(x, …) or present(x) and …")
    if left.type.optional or right.type.optional:
        return made(f"ordered({sign!r}, {left.code}, {right.code})", BOOL, [left, right])
    return made(f"({left.code} {sign} {right.code})", BOOL, [left, right])


def _against_null(sign: str, left: Value, right: Value) -> Value:
    value = left if right.type.kind is Kind.NULL else right
    word = {"==": "is", "!=": "is not"}.get(sign)
    if word is None:
        raise MistakeError("type-clash", "null has no order")
    labels = value.labels | spread(value.type)
    return Value(f"({value.code} {word} U)", BOOL, labels, value.source)


def _same_ground(left: Value, right: Value) -> tuple[Value, Value]:
    """A document value takes the type of what it is compared with: "0", 0 and true are told apart by the mapping, not by JSON."""
    if left.type.kind is not Kind.DOC:
        return left, right
    kind = right.type.kind
    reader = {Kind.INT: "dnumber", Kind.DECIMAL: "dnumber", Kind.BOOL: "dbool"}.get(kind, "dtext")
    type_ = {"dnumber": DECIMAL, "dbool": BOOL}.get(reader, TEXT)
    return left.typed(f"{reader}({left.code})", type_.absent(soft=True)), right


def _comparable(left: Value, right: Value) -> None:
    kinds = {left.type.kind, right.type.kind}
    if Kind.ANY in kinds or (len(kinds) == 1 and kinds <= _COMPARABLE) or kinds <= set(_NUMERIC):
        return _check_codes(left, right)
    if kinds == {Kind.ENUM, Kind.TEXT}:
        return _check_codes(left, right)
    raise MistakeError("type-clash", f"a {left.type.name} can't be compared with a {right.type.name}")


def _check_codes(left: Value, right: Value) -> None:
    for code, const in ((left, right), (right, left)):
        if code.type.kind is Kind.ENUM and const.is_const:
            known_code(code.type.of, const.const)


def known_code(enum: type[Enum], text: str) -> None:
    codes = [str(member.value) for member in enum]
    if text not in codes:
        raise MistakeError("unknown-code", f"{text!r} is no {enum.__name__}", did_you_mean(text, codes))


def member(left: Value, right: ast.expr, negated: bool, unit: Unit) -> Value:
    """``x in ("a", "b")`` with constants only."""
    if not isinstance(right, ast.Tuple | ast.Constant):
        raise MistakeError("not-in-language", 'in needs constants: x in ("a", "b")', "use any(… for …) for a list")
    nodes = right.elts if isinstance(right, ast.Tuple) else [right]
    consts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str | int)]
    if len(consts) != len(nodes):
        raise MistakeError("not-in-language", 'in needs constants: x in ("a", "b")')
    left = as_text(left)
    wanted: type = int if left.type.kind is Kind.INT else str
    if not all(type(const) is wanted for const in consts) or left.type.kind not in (
        Kind.INT,
        Kind.TEXT,
        Kind.ENUM,
        Kind.ANY,
    ):
        raise MistakeError("type-clash", f"a {left.type.name} can't be one of these")
    if left.type.kind is Kind.ENUM:
        for const in consts:
            known_code(left.type.of, str(const))
    word = "not in" if negated else "in"
    return left.typed(f"({left.code} {word} {unit.keep(frozenset(consts))})", BOOL)


def joined(word: str, parts: list[Value]) -> Value:
    return made("(" + word.join(part.code for part in parts) + ")", BOOL, parts)


def choose(test: Value, yes: Value, no: Value) -> Value:
    """``yes if test else no``; a null arm makes the whole optional."""
    type_ = unified(yes, no)
    yes, no = _arm(yes, type_), _arm(no, type_)
    labels, source = merged([yes, no, test])
    texts = (yes.texts | no.texts) if yes.texts is not None and no.texts is not None else None
    can = witness.either([yes, no])
    return Value(f"({yes.code} if {test.code} else {no.code})", type_, labels, source, texts=texts, can=can)


def _arm(value: Value, type_: Type) -> Value:
    return as_text(value) if type_.kind is Kind.TEXT else value


def unified(left: Value, right: Value) -> Type:
    """The one type of two arms. Raises ``MistakeError`` when there is none."""
    a, b = left.type, right.type
    optional, soft = a.optional or b.optional, (a.soft or not a.optional) and (b.soft or not b.optional)
    if a.kind is Kind.NULL or b.kind is Kind.NULL:
        other = b if a.kind is Kind.NULL else a
        return Type(NULL.kind) if other.kind is Kind.NULL else other.absent()
    kinds = {a.kind, b.kind}
    if Kind.ANY in kinds:
        return Type(Kind.ANY)
    if len(kinds) == 1 and a.of == b.of:
        return Type(a.kind, optional, a.of, optional and soft, a.safe and b.safe)
    for wide, narrow in ((DECIMAL, {Kind.INT, Kind.DECIMAL}), (NUMBER, {Kind.INT, Kind.NUMBER})):
        if kinds <= narrow:
            return Type(wide.kind, optional, soft=optional and soft)
    if kinds <= {Kind.TEXT, Kind.ENUM, Kind.DOC}:
        return Type(Kind.TEXT, optional, soft=optional and soft)
    hint = "read the document value first: int(x), fen(x), decimal(x)" if Kind.DOC in kinds else ""
    raise MistakeError("type-clash", f"one arm is a {left.type.name}, the other a {right.type.name}", hint)


def look_up(table: Table, value: Value, scope: Scope, unit: Unit) -> Value:
    """``code(table, x)``. A table over codes must know them all; over text a missing row is refused at run time."""
    if unit.answers and table.default is None and value.type.soft:
        _all_told(table, value)
    if value.type.kind is Kind.DOC:
        value = as_text(value)
    kind = value.type.kind
    if kind not in (Kind.TEXT, Kind.ENUM, Kind.BOOL, Kind.INT, Kind.ANY):
        raise MistakeError("type-clash", f"a {value.type.name} can't be looked up in a table")
    if kind is Kind.ENUM:
        _covers(table, [str(m.value) for m in value.type.of], unit)
    if kind is Kind.BOOL:
        _covers(table, ["true", "false"], unit)
    if value.type.optional and value.type.soft and not scope.lenient and table.default is not None:
        return _table_value(table, value, value.code, unit)
    return lift([value], scope, unit, lambda one: _table_value(table, one[0], one[0].code, unit), "code")


def _all_told(table: Table, value: Value) -> None:
    """A partner's code without a row would stop the answer: there is an ``else``, or the schema lists the codes."""
    listed = value.at.texts() if value.at is not None else None
    missing = sorted((listed or frozenset()) - table.rows.keys())
    if listed is None or missing:
        said = f"no row for {', '.join(missing)}" if missing else "no else for a code that nobody has listed"
        raise MistakeError("answer-gap", f"table {table.name} has {said}", "add rows, or else: unknown")


def _covers(table: Table, codes: list[str], unit: Unit) -> None:
    for row, pos in table.places.items():
        if row not in codes:
            unit.note(
                pos, "unknown-code", f"table {table.name} has a row {row!r} that can't occur", did_you_mean(row, codes)
            )
    missing = [code for code in codes if code not in table.rows]
    if missing and table.default is None:
        raise MistakeError(
            "table-gap", f"table {table.name} has no row for {', '.join(missing)}", "add rows or an else"
        )


def _table_value(table: Table, value: Value, code: str, unit: Unit) -> Value:
    key = f"({code} and 'true' or 'false')" if value.type.kind is Kind.BOOL else code
    key = f"cat({key})" if value.type.kind is Kind.INT else key
    enum = value.type.of if value.type.kind is Kind.ENUM and not value.type.optional else None
    rows = unit.keep(table_rows(table, enum, str))
    labels, source = value.labels, value.source
    return Value(f"{rows}[{key}]", TEXT, labels, source, texts=_outputs(table, enum), choice=(table, key, enum))


def _outputs(table: Table, enum: type[Enum] | None) -> frozenset[str]:
    return frozenset(table_rows(table, enum, str).values()) if enum else table.outputs


def table_rows(table: Table, enum: type[Enum] | None, spelling: Callable[[str], str]) -> dict[Any, str]:
    """Rows as a dict at run time, spelt for a target. Over codes it is complete, so that it can be a plain dict."""
    default = spelling(table.default) if table.default is not None else None
    rows = {row: spelling(text) for row, text in table.rows.items()}
    if enum is None:
        return TableRows(table.name, rows, default)
    return {member: rows.get(member.value, default) or "" for member in enum}
