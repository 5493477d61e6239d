"""Values that a field can really have: its shortest, longest and oddest ones, from the limits of its declaration.

The check runs them through the mapping's functions and holds the results against the target's rules, so that what it
reports is never a mere suspicion: such a value exists.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from gateway.mapping.kinds import Kind

LONGEST = 5000
"""Length taken for a text without a limit."""
_CHINA = timezone(timedelta(hours=8))
_DAYS = (date(1985, 3, 12), date(2024, 2, 29))
_MOMENTS = (datetime(2025, 12, 31, 23, 59, 58, tzinfo=_CHINA), datetime(2024, 2, 29, 0, 0, tzinfo=_CHINA))


def edges(kind: Kind, of: Any, limits: Mapping[str, Any]) -> tuple[Any, ...]:
    """A few values of a leaf. ``limits`` are msgspec constraints: ge, le, gt, lt, min_length, max_length, pattern."""
    if kind is Kind.TEXT:
        return _texts(limits)
    if kind is Kind.INT:
        return tuple(_numbers(limits, (0, 1, 1050)))
    if kind is Kind.DECIMAL:
        return tuple(map(Decimal, _numbers(limits, (Decimal(0), Decimal(1), Decimal("0.123456")))))
    if kind is Kind.ENUM:
        return tuple(str(member.value) for member in of)
    return {Kind.BOOL: (True, False), Kind.DATE: _DAYS, Kind.DATETIME: _MOMENTS}.get(kind, ())


def _texts(limits: Mapping[str, Any]) -> tuple[str, ...]:
    if limits.get("pattern"):
        return _spelt(str(limits["pattern"]))
    most = limits.get("max_length", LONGEST)
    return tuple(dict.fromkeys(("甲" * most, "x" * most, "a"[:most])))


def _numbers(limits: Mapping[str, Any], usual: tuple[Any, ...]) -> Iterator[Any]:
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    step = int("gt" in limits), int("lt" in limits)
    yield from () if low is None else (low + step[0],)
    yield from () if high is None else (high - step[1],)
    for number in usual:
        if (low is None or number >= low + step[0]) and (high is None or number <= high - step[1]):
            yield number


@cache
def _spelt(pattern: str) -> tuple[str, ...]:
    """The shortest and the longest text of a pattern, made from its parts and kept only if it really matches."""
    tree = _parser.parse(pattern)
    made = [_made(tree, most, last) for most in (False, True) for last in (False, True)]
    rule = re.compile(pattern)
    return tuple(dict.fromkeys(text for text in made if rule.search(text)))


def _made(parts: Any, most: bool, last: bool) -> str:
    return "".join(_part(op, argument, most, last) for op, argument in parts)


def _part(op: Any, argument: Any, most: bool, last: bool) -> str:
    if op is _constants.LITERAL:
        return chr(argument)
    if op is _constants.IN:
        return _one_of(argument[-1 if last else 0])
    if op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        low, high, inner = argument
        times = min(high, LONGEST) if most else low
        return _made(inner, most, last) * int(times)
    if op is _constants.SUBPATTERN:
        return _made(argument[-1], most, last)
    if op is _constants.BRANCH:
        return _made(argument[1][-1 if last else 0], most, last)
    return ""


def _one_of(choice: Any) -> str:
    op, argument = choice
    if op is _constants.RANGE:
        return chr(argument[0])
    if op is _constants.LITERAL:
        return chr(argument)
    return "7" if argument is _constants.CATEGORY_DIGIT else "a"
