"""JSON as a strict receiver reads it: numbers exact, no name twice, no NaN."""

import json
from decimal import Decimal
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def loads(text: str | bytes) -> Any:
    """Fractions become ``Decimal``. Raises ``ValueError`` for anything that is not one well-formed document."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("the document is nested too deep") from error


def dumps(value: Any) -> bytes:
    """Compact UTF-8; a ``Decimal`` becomes a number with its own digits."""
    return _ENCODER.encode(value)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return members
