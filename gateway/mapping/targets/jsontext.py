"""Single values as JSON text, and the ready-spelt tables that every target uses."""

import json
from collections.abc import Callable
from enum import Enum
from json.encoder import encode_basestring

from msgspec.structs import replace

from gateway.mapping.code.writer import Code, Parts
from gateway.mapping.expressions.operators import table_rows
from gateway.mapping.targets.base import Shape, leaf_shape
from gateway.mapping.types import Kind
from gateway.mapping.values import Unit, Value
from gateway.mapping.yamlfile import Pos

Spelling = Callable[[str], str]
_KINDS = {
    Kind.TEXT: "string",
    Kind.ENUM: "string",
    Kind.DOC: "string",
    Kind.INT: "integer",
    Kind.DECIMAL: "number",
    Kind.NUMBER: "number",
    Kind.BOOL: "boolean",
    Kind.NULL: "null",
}
_HINTS = {
    Kind.DATE: 'use date(x, "%Y-%m-%d")',
    Kind.DATETIME: "use datetime(x, form): the form and zone must be stated",
    Kind.LIST: "use $each … $item",
}


def spell(text: str) -> str:
    return encode_basestring(text)


def json_shape(value: Value, pos: Pos) -> Shape:
    """The shape of one value; an optional one may be null."""
    shape = leaf_shape(pos, _KINDS.get(value.type.kind, "any"), value)
    shape.nullable = value.type.optional
    return shape


def encoded(value: Value, pos: Pos, unit: Unit) -> Parts:
    """A present value as JSON text."""
    kind = value.type.kind
    if value.is_const:
        return [_literal(value.const)]
    if kind is Kind.NULL:
        return ["null"]
    if value.choice:
        return [Code(ready_table(value, unit, spell), pos)]
    if kind is Kind.ENUM:
        return [Code(f"{ready_codes(value.type.of, unit, spell)}[{value.code}]", pos)]
    if kind is Kind.TEXT and value.type.safe:
        return ['"', Code(value.code, pos), '"']
    code = {
        Kind.TEXT: f"jtext({value.code})",
        Kind.DOC: f"jtext(dtext({value.code}))",
        Kind.INT: value.code,
        Kind.NUMBER: value.code,
        Kind.DECIMAL: f"decimal_text({value.code})",
        Kind.BOOL: f"('true' if {value.code} else 'false')",
        Kind.ANY: "''",
    }.get(kind)
    if code is None:
        unit.note(pos, "type-clash", f"a {kind.value} is no JSON value", _HINTS.get(kind, "name a field of it"))
        return ["null"]
    return [Code(code, pos)]


def or_null(value: Value, pos: Pos, unit: Unit) -> Parts:
    name, present = bind(value, unit)
    return [Code(f"({joined(encoded(present, pos, unit))} if ({name} := {value.code}) is not U else 'null')", pos)]


def bind(value: Value, unit: Unit) -> tuple[str, Value]:
    """A name for an optional value and the value that stands behind it when present."""
    name = unit.temp()
    return name, replace(value, code=name, type=value.type.present(), choice=None)


def ready_table(value: Value, unit: Unit, spelling: Spelling) -> str:
    """A table whose rows are already spelt for the target."""
    assert value.choice is not None
    table, key, enum = value.choice
    return f"{unit.keep(table_rows(table, enum, spelling))}[{key}]"


def ready_codes(enum: type[Enum], unit: Unit, spelling: Spelling) -> str:
    return unit.keep({member: spelling(str(member.value)) for member in enum})


def _literal(value: object) -> str:
    return "null" if value is None else json.dumps(value, ensure_ascii=False)


def joined(parts: Parts) -> str:
    spelt = [repr(part) if isinstance(part, str) else part.source for part in parts if part != ""]
    return f"cat({', '.join(spelt)})"
