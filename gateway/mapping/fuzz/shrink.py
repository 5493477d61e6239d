"""Makes a finding small: whatever can be left out or shortened without losing it goes."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

TRIES = 600


def shrunk(data: Any, still: Callable[[Any], bool]) -> Any:
    """The smallest data found in ``TRIES`` attempts for which ``still`` holds; big parts are tried first."""
    left, again = TRIES, True
    while again:
        again = False
        for path in sorted(_paths(data), key=len):
            for smaller in _without(data, path):
                left -= 1
                if left < 0:
                    return data
                if still(smaller):
                    data, again = smaller, True
                    break
    return data


def _without(data: Any, path: tuple[Any, ...]) -> Iterator[Any]:
    """Copies in which the part at ``path`` is gone or smaller; none when it went before."""
    try:
        value = _at(data, path)
    except (KeyError, IndexError, TypeError):
        return
    if isinstance(path[-1], str):
        copy = deepcopy(data)
        del _at(copy, path[:-1])[path[-1]]
        yield copy
    for instead in _instead(value):
        if instead != value:
            copy = deepcopy(data)
            _at(copy, path[:-1])[path[-1]] = instead
            yield copy


def _instead(value: Any) -> Iterator[Any]:
    if isinstance(value, list) and value:
        yield from ([], value[: len(value) // 2], value[len(value) // 2 :], value[1:], value[:-1])
    elif isinstance(value, str) and len(value) > 1:
        yield from ("a", value[: len(value) // 2], value[len(value) // 2 :], value[1:], value[:-1])
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > 1:
        yield from (0, 1, value // 10)


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in pairs:
        yield from _paths(value, (*path, key))


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        data = data[step]
    return data
