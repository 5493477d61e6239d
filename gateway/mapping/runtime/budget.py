"""What one run may take: rounds of loops inside loops, and letters that a text grows to. A mapping is data, and data can be a bomb."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs

from gateway.mapping.runtime.base import RefusalError

MOST_ROUNDS = 2_000_000
"""Rounds of inner loops in one run: two hundred per line of the longest bill that was ever seen, a second of work."""
MOST_LETTERS = 16 * 1024 * 1024
WIDEST = 65_536
"""Letters or bytes that a text may be padded to."""


def within_width(width: int) -> int:
    """Raises ``RefusalError`` for a width that no record has."""
    if width > WIDEST:
        raise RefusalError("the width is larger than any record's")
    return width


def rounds(spent: dict[Any, Any], items: Sequence[Any]) -> Sequence[Any]:
    """The items of an inner loop, once its rounds are counted. ``spent`` is the run's own."""
    spent[_ROUNDS] = total = spent.get(_ROUNDS, 0) + len(items) + 1
    if total > MOST_ROUNDS:
        raise RefusalError("loops inside loops take too many rounds")
    return items


def replace(value: str, old: str, new: str) -> str:
    if len(new) > len(old) and len(value) + value.count(old) * (len(new) - len(old)) > MOST_LETTERS:
        raise RefusalError("the text grows too long")
    return value.replace(old, new)


def join(items: Any, between: str) -> str:
    parts = list(items)
    if sum(map(len, parts)) + len(parts) * len(between) > MOST_LETTERS:
        raise RefusalError("the text grows too long")
    return between.join(parts)


@lru_cache(maxsize=1024)
def whole_match(regex: str) -> Callable[[str], bool]:
    """Whether a whole text is of this form, in time that grows with the text alone: the engine never goes back.

    Raises ``ValueError`` for what is no regular expression, or one that needs a look back or ahead.
    """
    try:
        held = jsonschema_rs.Draft202012Validator(
            {"pattern": f"^(?:{regex})$"}, pattern_options=jsonschema_rs.RegexOptions()
        )
    except jsonschema_rs.ValidationError:
        held = None
    if held is None:
        raise ValueError
    return held.is_valid


def matches(value: str, form: Callable[[str], bool]) -> bool:
    return form(value)


_ROUNDS = object()
HELPERS: Mapping[str, Any] = {one.__name__: one for one in (rounds, replace, join, matches)}
