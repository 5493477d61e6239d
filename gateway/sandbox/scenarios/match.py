"""Compares what was seen with what a scenario expects, and fills earlier answers into later steps."""

import re
from collections.abc import Mapping
from typing import Any

_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_:-]+)*"
_WHOLE = re.compile(rf"\$({_NAME})")
_INSIDE = re.compile(rf"\$\{{({_NAME})\}}")


def gap(expected: Any, seen: Any, place: str = "") -> str:
    """Where ``seen`` lacks something expected, in words; empty when it has everything."""
    if isinstance(expected, Mapping) and set(expected) <= {"has", "lacks"} and isinstance(seen, list):
        return _some(expected, seen, place)
    if isinstance(expected, Mapping):
        if not isinstance(seen, Mapping):
            return f"{place or 'the answer'} is {seen!r}"
        gaps = (gap(one, seen.get(name), f"{place}.{name}".strip(".")) for name, one in expected.items())
        return next(filter(None, gaps), "")
    if isinstance(expected, list):
        if not isinstance(seen, list) or len(seen) != len(expected):
            return f"{place} is {seen!r}, {len(expected)} entries are expected"
        pairs = enumerate(zip(expected, seen, strict=True))
        return next(filter(None, (gap(one, got, f"{place}.{number}") for number, (one, got) in pairs)), "")
    return "" if expected == seen and type(expected) is type(seen) else f"{place} is {seen!r}, not {expected!r}"


def _some(expected: Mapping[str, Any], seen: list[Any], place: str) -> str:
    """``has``: each is there, one entry for each. ``lacks``: none is there."""
    left = list(seen)
    for one in expected.get("has", ()):
        found = next((entry for entry in left if not gap(one, entry)), None)
        if found is None:
            return f"{place} has no {one!r}: {seen!r}"
        left.remove(found)
    for one in expected.get("lacks", ()):
        if any(not gap(one, entry) for entry in seen):
            return f"{place} has {one!r}"
    return ""


def filled(value: Any, saved: Mapping[str, Any]) -> Any:
    """``$name.member`` as the value that it names, ``${name.member}`` inside a text. Raises ``LookupError``."""
    if isinstance(value, str):
        whole = _WHOLE.fullmatch(value)
        if whole:
            return _of(whole[1], saved)
        return _INSIDE.sub(lambda found: str(_of(found[1], saved)), value)
    if isinstance(value, Mapping):
        return {name: filled(one, saved) for name, one in value.items()}
    return [filled(one, saved) for one in value] if isinstance(value, list | tuple) else value


def _of(path: str, saved: Mapping[str, Any]) -> Any:
    found: Any = saved
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


def merged(base: Any, change: Any) -> Any:
    """``change`` laid over ``base``: objects member by member, null takes a member away, anything else replaces."""
    if not isinstance(change, Mapping) or not isinstance(base, Mapping):
        return change
    whole = {**base, **{name: merged(base.get(name), one) for name, one in change.items()}}
    return {name: one for name, one in whole.items() if one is not None}
