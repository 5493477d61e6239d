"""How a function row is written: parameters with accepted kinds, and a builder of source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.mapping.errors import MistakeError
from gateway.mapping.lift import made
from gateway.mapping.types import BOOL, DECIMAL, INT, TEXT, Kind, Type
from gateway.mapping.values import Scope, Unit, Value

Builder = Callable[[list[Value], Scope, Unit], Value]
TEXTS = frozenset({Kind.TEXT, Kind.ENUM})
NUMBERS = frozenset({Kind.INT, Kind.DECIMAL})
WHOLE = frozenset({Kind.INT})
DAYS = frozenset({Kind.DATE})
INSTANTS = frozenset({Kind.DATETIME})
EVERYTHING = frozenset(Kind)
LISTS = frozenset({Kind.LIST, Kind.DOC})


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    accepts: frozenset[Kind]
    constant: bool = False
    default: str | int | None = None
    """A default makes the argument an option; it is a constant."""


@dataclass(frozen=True, slots=True)
class Function:
    params: tuple[Param, ...]
    build: Builder
    takes_absent: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(param.name for param in self.params)


def bind(name: str, function: Function, args: list[Value], options: Mapping[str, Value]) -> list[Value]:
    """Arguments in the order of the parameters, document values read as the kind wanted."""
    if len(args) > len(function.params):
        raise MistakeError("bad-argument", f"{name} takes {len(function.params)} arguments at most")
    bound = []
    for position, param in enumerate(function.params):
        given = args[position] if position < len(args) else options.get(param.name)
        if given is None:
            if param.default is None:
                raise MistakeError("bad-argument", f"{name} needs {', '.join(function.names)}")
            given = constant(param.default)
        bound.append(_accept(name, param, given))
    return bound


def constant(value: str | int) -> Value:
    return Value(repr(value), INT if isinstance(value, int) else TEXT, const=value)


def _accept(name: str, param: Param, value: Value) -> Value:
    if param.constant and not value.is_const:
        raise MistakeError("bad-argument", f"{param.name} of {name} must be a constant")
    kind = value.type.kind
    if kind in param.accepts or kind is Kind.ANY:
        return value
    if kind is Kind.DOC:
        return _read_as(name, param, value)
    wanted = " or ".join(sorted(k.value for k in param.accepts))
    raise MistakeError(
        "type-clash", f"{param.name} of {name} is a {value.type.name}, {name} needs a {wanted}", _hint(kind)
    )


def _read_as(name: str, param: Param, value: Value) -> Value:
    for kind, reader, type_ in (
        (Kind.TEXT, "dtext", TEXT),
        (Kind.DECIMAL, "ddecimal", DECIMAL),
        (Kind.BOOL, "dbool", BOOL),
    ):
        if kind in param.accepts:
            return value.typed(f"{reader}({value.code})", Type(type_.kind, optional=value.type.optional, soft=True))
    hint = "read it with parse_date(x, …) or parse_datetime(x, …)" if param.accepts & {Kind.DATE, Kind.DATETIME} else ""
    raise MistakeError("type-clash", f"{name} can't take a document value as it is", hint or "use int(x) first")


def _hint(kind: Kind) -> str:
    return {
        Kind.INT: "use text(x) for its digits, yuan(x) for an amount in 分",
        Kind.DECIMAL: "use text(x) for its digits",
        Kind.DATE: 'use date(x, "%Y-%m-%d")',
        Kind.DATETIME: "use datetime(x, …) or day_of(x)",
    }.get(kind, "")


def simple(helper: str, result: Type, *params: Param) -> Function:
    """A row that is one call of a run-time helper."""

    def build(args: list[Value], _scope: Scope, _unit: Unit) -> Value:
        return made(f"{helper}({', '.join(arg.code for arg in args)})", result, args)

    return Function(params, build)


def const_of(value: Value) -> Any:
    return value.const
