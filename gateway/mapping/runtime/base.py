"""The few words of the run time: refusal, absence, tables, order."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import UNSET

ABSENT = "the value is absent"


class RefusalError(Exception):
    """A value can't be mapped. The text names the rule, never the value."""


class TableRows(dict[str, str]):
    """Rows of a code table; a key without a row takes the default or is refused by the table's name."""

    def __init__(self, name: str, rows: Mapping[str, str], default: str | None) -> None:
        super().__init__(rows)
        self._name, self._default = name, default

    def __missing__(self, key: object) -> str:
        if self._default is None:
            raise RefusalError(f"table {self._name} has no row for it")
        return self._default


def need(value: Any) -> Any:
    """A value that must be there."""
    if value is UNSET:
        raise RefusalError(ABSENT)
    return value


def first(items: Sequence[Any]) -> Any:
    return items[0] if items else UNSET


def listed(items: Any) -> Sequence[Any]:
    return () if items is UNSET else items


def grouped(pairs: Sequence[tuple[Any, Any]]) -> list[tuple[Any, list[Any]]]:
    """(key, rows) in the order in which the keys first come."""
    found: dict[Any, list[Any]] = {}
    for key, row in pairs:
        found.setdefault(key, []).append(row)
    return list(found.items())


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ordered(sign: str, left: Any, right: Any) -> bool:
    """A comparison in which an absent side means no."""
    return left is not UNSET and right is not UNSET and _ORDERS[sign](left, right)


HELPERS: Mapping[str, Any] = {"U": UNSET} | {f.__name__: f for f in (need, first, listed, ordered, grouped)}
