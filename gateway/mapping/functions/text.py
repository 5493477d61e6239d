"""Text, null, document and id functions."""

from msgspec.structs import replace

from gateway.mapping.errors import MistakeError
from gateway.mapping.expressions.operators import as_text, unified
from gateway.mapping.expressions.paths import as_list
from gateway.mapping.functions.base import EVERYTHING, LISTS, TEXTS, WHOLE, Function, Param, simple
from gateway.mapping.lift import made, merged
from gateway.mapping.runtime.budget import whole_match
from gateway.mapping.types import BOOL, SAFE_TEXT, TEXT, Kind, Type, document, fields_of, spread
from gateway.mapping.values import ANY_PLACES, NOT_CONSTANT, Scope, Unit, Value

_SCALARS = frozenset({Kind.TEXT, Kind.ENUM, Kind.INT, Kind.DECIMAL, Kind.BOOL, Kind.NUMBER})
_X = Param("x", TEXTS)


def _text(args: list[Value], scope: Scope, unit: Unit) -> Value:
    value = args[0]
    if value.type.kind is Kind.TEXT:
        return value
    if value.type.kind is Kind.ENUM:
        return replace(value, type=TEXT)
    known = {Kind.INT: 0, Kind.DECIMAL: ANY_PLACES}
    code, safe = {
        Kind.INT: (f"cat({value.code})", SAFE_TEXT),
        Kind.DECIMAL: (_digits(value.code, scope, unit), SAFE_TEXT),
        Kind.BOOL: (f"('true' if {value.code} else 'false')", SAFE_TEXT),
    }.get(value.type.kind, (f"cat({value.code})", SAFE_TEXT))
    return replace(value.typed(code, safe), places=known.get(value.type.kind))


def _digits(decimal: str, scope: Scope, unit: Unit) -> str:
    """``decimal_text`` with its rule in line: nearly every number is spelt without a letter."""
    if scope.no_walrus:
        return f"decimal_text({decimal})"
    number, spelt = unit.temp(), unit.temp()
    unit.attributes.add("lower")
    return f"({spelt} if ({spelt} := STR({number} := {decimal})) == {spelt}.lower() else decimal_text({number}))"


def _default(args: list[Value], scope: Scope, unit: Unit) -> Value:
    value, other = args
    if {value.type.kind, other.type.kind} & TEXTS:
        value, other = as_text(value), as_text(other)
    if not value.type.optional:
        return value
    type_ = unified(replace(value, type=value.type.present()), other)
    labels, source = merged(args)
    name = unit.temp()
    if scope.no_walrus:
        return Value(
            f"(lambda {name}: {name} if {name} is not U else {other.code})({value.code})", type_, labels, source
        )
    return Value(f"({name} if ({name} := {value.code}) is not U else {other.code})", type_, labels, source)


def _present(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    value = args[0]
    labels = value.labels | spread(value.type)
    if value.type.kind is Kind.LIST:
        return Value(f"(len({as_list(value)[0]}) > 0)", BOOL, labels, value.source)
    return Value(f"({value.code} is not U)", BOOL, labels, value.source)


def _need(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    value = args[0]
    if not value.type.optional:
        return value
    return value.typed(f"need({value.code})", replace(value.type, optional=False))


def _fits(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    """The value as it is: the author knows that the target may be narrower, and that run time refuses what does not fit."""
    return replace(args[0], texts=None, can=(), const=NOT_CONSTANT)


def _empty_as_absent(args: list[Value], scope: Scope, unit: Unit) -> Value:
    value = as_text(args[0])
    name = unit.temp()
    type_ = replace(TEXT, optional=True, soft=value.type.soft or not value.type.optional)
    if scope.no_walrus:
        return value.typed(f"(lambda {name}: {name} if {name} else U)({value.code})", type_)
    return value.typed(f"({name} if ({name} := {value.code}) else U)", type_)


def _join(args: list[Value], _scope: Scope, unit: Unit) -> Value:
    code, item = as_list(args[0])
    if item.kind is Kind.DOC:
        name = unit.temp("v")
        code, item = f"[need(dtext({name})) for {name} in {code}]", TEXT
    if item.kind not in (*TEXTS, Kind.ANY):
        raise MistakeError("type-clash", f"join needs texts, not {item.name}s", "use list(text(x) for x in …)")
    flow = replace(args[0], labels=args[0].labels | spread(args[0].type) | item.labels)
    return made(f"join({code}, {args[1].code})", TEXT, [flow, args[1]])


def _matches(args: list[Value], _scope: Scope, unit: Unit) -> Value:
    try:
        form = whole_match(str(args[1].const))
    except ValueError:
        hint = "back references and looks ahead or back are none here"
        raise MistakeError("bad-argument", "not a regular expression", hint) from None
    return made(f"matches({args[0].code}, {unit.keep(form)})", BOOL, args)


def _opened(helper: str, kind: str) -> Function:
    def build(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
        value = args[0]
        return Value(f"{helper}({value.code})", document(kind), value.labels, value.source)

    return Function((Param("text", TEXTS | {Kind.DOC}),), build)


def _unbase64(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    return args[0].typed(f"unbase64({args[0].code})", Type(Kind.DOC, of="bytes", soft=True))


def _find(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    """``find(list, "member", x)``: the join of two lists, with an index made once per message."""
    box, name, wanted = args
    labels, source = merged([box, wanted])
    if box.type.kind is Kind.LIST:
        return _find_in_source(box, str(name.const), wanted)
    if box.type.of == "xml" and box.many.startswith("xall("):
        code = f"xfind(h_found, {box.many[5:-1]}, {name.code}, {wanted.code})"
    elif box.type.of == "json":
        code = f"jfind(h_found, {box.code}, {name.code}, {wanted.code})"
    else:
        raise MistakeError("type-clash", "find looks into a list of the document", "use first(x for x in … where …)")
    at = box.at.item() if box.at is not None else None
    return Value(code, document(str(box.type.of)), labels, source, at=at)


def _find_in_source(box: Value, name: str, wanted: Value) -> Value:
    item = box.type.of
    field = fields_of(item.of).get(name) if item.kind is Kind.STRUCT else None
    if field is None or field.type.kind not in (Kind.TEXT, Kind.ENUM, Kind.INT):
        raise MistakeError("unknown-field", f"the list's items have no text {name!r}", "name one of their text fields")
    labels, source = merged([box, wanted])
    code = f"sfind(h_found, {as_list(box)[0]}, {name!r}, {_key_text(wanted)})"
    return Value(code, item.absent(), labels | spread(box.type) | field.labels, source)


def _key_text(value: Value) -> str:
    return f"cat({value.code})" if value.type.kind in (Kind.INT, Kind.ENUM) else value.code


def _attr(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    node, name = args
    if node.at is not None:
        node.at.attribute(str(name.const))
    return node.typed(f"attr({node.code}, {name.code})", Type(Kind.TEXT, optional=True, soft=True))


TABLE = {
    "text": Function((Param("x", _SCALARS),), _text),
    "trim": simple("trim", TEXT, _X),
    "upper": simple("upper", TEXT, _X),
    "lower": simple("lower", TEXT, _X),
    "substr": simple("substr", TEXT, _X, Param("from", WHOLE), Param("length", WHOLE)),
    "replace": simple("replace", TEXT, _X, Param("old", TEXTS), Param("new", TEXTS)),
    "join": Function((Param("list", LISTS), Param("between", TEXTS)), _join, takes_absent=True),
    "pieces": simple("pieces", Type(Kind.LIST, of=TEXT), _X, Param("between", TEXTS, constant=True)),
    "pad": simple("pad", TEXT, _X, Param("width", WHOLE), Param("fill", TEXTS, constant=True, default="0")),
    "pad_right": simple("pad_right", TEXT, _X, Param("width", WHOLE), Param("fill", TEXTS, constant=True, default=" ")),
    "matches": Function((_X, Param("regex", TEXTS, constant=True)), _matches),
    "default": Function((Param("x", EVERYTHING), Param("y", EVERYTHING)), _default, takes_absent=True),
    "present": Function((Param("x", EVERYTHING),), _present, takes_absent=True),
    "need": Function((Param("x", EVERYTHING),), _need, takes_absent=True),
    "fits": Function((Param("x", EVERYTHING),), _fits, takes_absent=True),
    "empty_as_absent": Function((_X,), _empty_as_absent, takes_absent=True),
    "uuid": simple("uuid5", SAFE_TEXT, _X),
    "attr": Function(
        (Param("x", frozenset({Kind.DOC})), Param("name", TEXTS, constant=True)), _attr, takes_absent=True
    ),
    "node_text": simple("dtext", TEXT, Param("x", frozenset({Kind.DOC}))),
    "find": Function((Param("list", LISTS), Param("member", TEXTS, constant=True), Param("x", TEXTS | WHOLE)), _find),
    "parse_json": _opened("read_json", "json"),
    "parse_xml": _opened("read_xml", "xml"),
    "unbase64": Function((_X,), _unbase64),
}
