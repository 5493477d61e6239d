"""What an expression can give: the edge values of its sources, run through the very functions that run at work.

A function without a row here gives values of which nothing is known; the target's rules are then left to run time.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from gateway.mapping.kinds import Kind
from gateway.mapping.runtime import base, budget, dates, numbers, text, widths, words
from gateway.mapping.types import Type
from gateway.mapping.values import Value

Many = tuple[Any, ...]
_MOST = 8


def of(value: Value) -> Many:
    """A value's witnesses; a constant is its own."""
    if value.is_const:
        return () if value.const is None else (value.const,)
    return value.can or tuple(sorted(value.texts or ()))


def few(values: Iterable[Any]) -> Many:
    """A handful: the first ones, the shortest and the longest."""
    found = list(dict.fromkeys(values))
    if len(found) <= _MOST:
        return tuple(found)
    by_size = sorted(found, key=lambda value: len(spell(value)))
    return tuple(dict.fromkeys([*found[: _MOST - 4], *by_size[:2], *by_size[-2:]]))


def run(function: Callable[..., Any], args: Sequence[Many]) -> Many:
    """The function's results over all pairings of a few arguments; what it refuses leaves no result."""
    found = []
    for chosen in product(*args):
        try:
            found.append(function(*chosen))
        except (base.RefusalError, ArithmeticError, ValueError, TypeError, LookupError):
            continue
    return few(found)


def called(name: str, args: Sequence[Value]) -> Many:
    """Witnesses of a call of the language's function ``name``."""
    if name in _UNIONS:
        return either(args)
    function = _ROWS.get(name)
    known = [of(arg) for arg in args]
    if function is None or not all(known):
        return ()
    return run(function, known)


def either(values: Sequence[Value]) -> Many:
    """One of several; nothing is known as soon as one of them may be anything."""
    known = [of(value) for value in values if value.type.kind is not Kind.NULL]
    return few(witness for one in known for witness in one) if all(known) else ()


def joined(left: Value, right: Value) -> Many:
    return run(lambda a, b: spell(a) + spell(b), [of(left), of(right)])


def reckoned(function: Callable[..., Any], left: Value, right: Value) -> Many:
    """Results of arithmetic. Two limits never meet in one bill (its amounts are held together by the money identities),
    so that a result beyond both sides' own limits says nothing and is dropped."""
    known = [of(left), of(right)]
    if not all(known):
        return ()
    both = [*known[0], *known[1]]
    low, high = min(*both, 0), max(*both, 0)
    return tuple(value for value in run(function, known) if low <= value <= high)


def spelt(values: Many, type_: Type) -> tuple[str, ...]:
    """Witnesses as the target's text: none for what has no text of its own."""
    if type_.kind in (Kind.DATE, Kind.DATETIME):
        return ()
    return tuple(map(spell, values))


def spell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return numbers.decimal_text(value) if isinstance(value, Decimal) else str(value)


def _date(day: Any, form: str) -> str:
    return dates.writer(form, None)(day)


def _datetime(moment: Any, form: str, zone: str, midnight: str) -> str:
    return dates.writer(form, ZoneInfo(zone), midnight == "24")(moment)


def _join(items: Any, between: str) -> str:
    return budget.join([spell(items)] * 3, between)


_UNIONS = ("default", "need", "empty_as_absent")
_ROWS: dict[str, Callable[..., Any]] = {
    "text": spell,
    "trim": lambda x: text.trim(spell(x)),
    "upper": lambda x: text.upper(spell(x)),
    "lower": lambda x: text.lower(spell(x)),
    "substr": text.substr,
    "replace": budget.replace,
    "join": _join,
    "pad": text.pad,
    "pad_right": text.pad_right,
    "cut_bytes": widths.cut_bytes,
    "within_bytes": widths.within_bytes,
    "pad_bytes": widths.pad_bytes,
    "amount_words": words.amount_words,
    "base64": widths.encoded64,
    "uuid": text.uuid5,
    "yuan": numbers.yuan,
    "yuan_number": numbers.yuan,
    "int": numbers.whole,
    "fen": numbers.fen,
    "fen_int": numbers.fen_int,
    "decimal": numbers.decimal,
    "number": lambda x, places: numbers.fixed_writer(places)(x),
    "round": numbers.rounded,
    "div": numbers.divided,
    "abs": abs,
    "min": min,
    "max": max,
    "date": _date,
    "datetime": _datetime,
    "add_days": dates.add_days,
    "days_between": dates.days_between,
    "epoch_s": dates.epoch_s,
    "epoch_ms": dates.epoch_ms,
    "day_of": lambda moment, zone: dates.day_of(moment, ZoneInfo(zone)),
    "age": dates.age,
}
