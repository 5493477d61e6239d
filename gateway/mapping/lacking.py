"""What a hospital's document lacks: everything at once, and in the document's own names."""

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import CodeType, FunctionType
from typing import Any

from msgspec import UNSET

from gateway.mapping.code.safety import leaf_at, place_at
from gateway.mapping.runtime.base import need
from gateway.mapping.sections import Compiled

MOST = 20
"""So many places are told at most."""
_EACH = re.compile(r"(\w+) in ([\w.]+)( where .*)?")


def lacking(compiled: Compiled, args: Sequence[Any]) -> tuple[str, ...]:
    """The targets whose required value is absent: the same code runs again, and what it needs and has not is noted."""
    assert isinstance(compiled.run, FunctionType)
    noted: set[tuple[CodeType, int]] = set()

    def note(value: Any) -> Any:
        if value is UNSET:
            frame = sys._getframe(1)
            noted.add((frame.f_code, frame.f_lasti))
            if len(noted) == MOST:
                need(value)
        return value

    again = FunctionType(compiled.run.__code__, compiled.run.__globals__ | {need.__name__: note})
    with suppress(Exception):  # what can't be computed from an absent value is told once the value is there
        again(*args)
    found = sorted(place for code in {code for code, _ in noted} for place in _places(code, noted))
    leaves = (leaf_at(compiled.leaves, place) for place in found)
    return tuple(dict.fromkeys(leaf.target for leaf in leaves if leaf))


def _places(code: CodeType, noted: set[tuple[CodeType, int]]) -> list[tuple[int, int]]:
    """Unfolding the positions of a long function takes milliseconds: once for all that was noted in it."""
    positions = list(code.co_positions())
    return [place_at(positions, at) for one, at in noted if one is code]


def origin(compiled: Compiled, target: str) -> str:
    """Where the document says what ``target`` says, such as ``fee_detail.[].pric``; ``target`` where no single place does."""
    sources = {leaf.target: leaf.source for leaf in compiled.leaves.values()}
    parts = sources.get(target, "").split(", ")
    # One place, or one and its stand-in: the stand-in is what every sender of the format has.
    alike = len({part.partition(".")[0] for part in parts}) == 1
    return (_resolved(parts[-1], target, sources) if alike else None) or target


def _resolved(path: str, target: str, sources: Mapping[str, str]) -> str | None:
    head, _, rest = path.partition(".")
    if head == "r":
        return rest
    for end in [found.end() for found in re.finditer(r"\.\[\]", target)][::-1]:
        each = _EACH.fullmatch(sources.get(f"{target[:end]} $each", ""))
        if each is not None and each[1] == head:
            return _below(_resolved(each[2], target[: end - len(".[]")], sources), "[]", rest)
    named = sources.get(f"let {head}", "")
    return _below(_resolved(named, "", sources), rest) if named and "," not in named else None


def _below(place: str | None, *steps: str) -> str | None:
    return None if place is None else ".".join(filter(None, (place, *steps)))
