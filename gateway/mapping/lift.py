"""Absence: what happens when an argument of a function or operator may be missing."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from gateway.mapping.errors import MistakeError
from gateway.mapping.types import Kind, Labels, Type
from gateway.mapping.values import NOT_CONSTANT, Scope, Unit, Value

Build = Callable[[list[Value]], Value]


def lift(args: Sequence[Value], scope: Scope, unit: Unit, build: Build, what: str) -> Value:
    """Apply ``build`` to present arguments; absence of a document value, or of any value in a ``?`` key, passes on.

    Raises ``MistakeError`` (``may-be-absent``) for another value that may be missing.
    """
    missing = [arg for arg in args if arg.type.optional]
    if not missing:
        return build(list(args))
    hard = next((arg for arg in missing if not arg.type.soft and not scope.lenient), None)
    if hard is not None:
        raise MistakeError(
            "may-be-absent",
            f"{what} gets {hard.source or 'a value'}, which may be absent",
            "use default(x, …), a $when with present(x), or a key with ?",
        )
    names, bound = {}, []
    for position, arg in enumerate(args):
        present = replace(arg, type=arg.type.present(), choice=None)
        if arg.type.optional:
            names[position] = unit.temp()
            present = replace(present, code=names[position])
        bound.append(present)
    inner = build(bound)
    soft = all(arg.type.soft for arg in missing)
    code = _guard(inner.code, [(names[i], args[i].code) for i in names], scope)
    return replace(inner, code=code, type=inner.type.absent(soft), const=NOT_CONSTANT)


def _guard(inner: str, bindings: list[tuple[str, str]], scope: Scope) -> str:
    if scope.no_walrus:
        for name, code in reversed(bindings):
            inner = f"(lambda {name}: {inner} if {name} is not U else U)({code})"
        return inner
    tests = " and ".join(f"({name} := {code}) is not U" for name, code in bindings)
    return f"({inner} if {tests} else U)"


def merged(values: Sequence[Value]) -> tuple[Labels, str]:
    """Labels and sources of a value that rests on several."""
    labels: Labels = frozenset().union(*(v.labels for v in values))
    sources = dict.fromkeys(part for v in values for part in v.source.split(", ") if part)
    return labels, ", ".join(list(sources)[:6])


def made(code: str, type_: Type, values: Sequence[Value]) -> Value:
    labels, source = merged(values)
    return Value(code, type_, labels, source)


def texty(value: Value) -> bool:
    return value.type.kind in (Kind.TEXT, Kind.ENUM)
