"""Money and numbers."""

from decimal import Decimal

from msgspec.structs import replace

from gateway.mapping.errors import MistakeError
from gateway.mapping.functions.base import NUMBERS, WHOLE, Function, Param, simple
from gateway.mapping.lift import made
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.numbers import decimal, fixed_writer
from gateway.mapping.types import DECIMAL, INT, NUMBER, SAFE_TEXT, Kind, Type
from gateway.mapping.values import Scope, Unit, Value

_FEN_PLACES = 2
_PLACES = Param("places", WHOLE, constant=True)
_ANY_AMOUNT = frozenset({Kind.TEXT, Kind.INT, Kind.DECIMAL, Kind.DOC})


def _spelt(result: Type) -> Function:
    """``yuan`` and ``yuan_number``: whole-number arithmetic in line, because amounts are the most frequent leaf of all."""

    def build(args: list[Value], scope: Scope, unit: Unit) -> Value:
        amount = args[0]
        if scope.no_walrus:
            return replace(amount.typed(f"yuan({amount.code})", result), places=_FEN_PLACES)
        name = unit.temp()
        code = f"(cat({name} // 100, CENTS[{name} % 100]) if ({name} := {amount.code}) >= 0 else yuan({name}))"
        return replace(amount.typed(code, result), places=_FEN_PLACES)

    return Function((Param("fen", WHOLE),), build)


def _number(args: list[Value], _scope: Scope, unit: Unit) -> Value:
    write = unit.keep(fixed_writer(_places(args[1])))
    return replace(made(f"{write}({args[0].code})", NUMBER, args), places=_places(args[1]))


def _round(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    return made(f"rounded({args[0].code}, {_places(args[1])})", DECIMAL, args)


def _div(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
    return made(f"divided({args[0].code}, {args[1].code}, {_places(args[2])})", DECIMAL, args)


def _places(value: Value) -> int:
    if isinstance(value.const, int) and 0 <= value.const <= 12:
        return value.const
    raise MistakeError("bad-argument", "places is a whole number from 0 to 12")


def _document(helper: str, result: Type) -> Function:
    """Readers that take a document value as it is: text, number or element."""

    def build(args: list[Value], _scope: Scope, unit: Unit) -> Value:
        value = args[0]
        if helper == "decimal" and value.is_const:
            return Value(unit.keep(_constant_decimal(value)), result, source=value.source)
        code = f"ddecimal({value.code})" if value.type.kind is Kind.DOC and helper != "fen" else value.code
        if value.type.kind is Kind.DOC and helper == "fen":
            code = f"dtext({value.code})"
        return value.typed(f"{helper}({code})", result)

    return Function((Param("x", _ANY_AMOUNT),), build)


def _constant_decimal(value: Value) -> Decimal:
    try:
        return decimal(value.const)
    except RefusalError as refusal:
        raise MistakeError("bad-argument", str(refusal)) from None


def _keeping(helper: str, *params: Param) -> Function:
    def build(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
        wide = any(arg.type.kind is Kind.DECIMAL for arg in args)
        return made(f"{helper}({', '.join(arg.code for arg in args)})", DECIMAL if wide else INT, args)

    return Function(params, build)


TABLE = {
    "yuan": _spelt(SAFE_TEXT),
    "yuan_number": _spelt(NUMBER),
    "amount_words": simple("amount_words", SAFE_TEXT, Param("fen", WHOLE)),
    "fen": _document("fen", INT),
    "fen_int": _document("fen_int", INT),
    "int": _document("whole", INT),
    "decimal": _document("decimal", DECIMAL),
    "number": Function((Param("x", NUMBERS), _PLACES), _number),
    "round": Function((Param("x", NUMBERS), _PLACES), _round),
    "div": Function((Param("a", NUMBERS), Param("b", NUMBERS), _PLACES), _div),
    "abs": _keeping("abs", Param("x", NUMBERS)),
    "min": _keeping("min", Param("a", NUMBERS), Param("b", NUMBERS)),
    "max": _keeping("max", Param("a", NUMBERS), Param("b", NUMBERS)),
}
