"""The rules of one JSON Schema value as facets."""

import re
from decimal import Decimal
from functools import cache
from typing import Any

from gateway.mapping.schemas.facets import Facets

_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_FORMS = {
    "date": _DATE,
    "time": rf"{_TIME}(Z|[+-]\d\d:\d\d)",
    "date-time": rf"{_DATE}[Tt ]{_TIME}([Zz]|[+-]\d\d:\d\d)",
    "uuid": r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "email": r"[^@\s]+@[^@\s]+",
    "uri": r"[A-Za-z][A-Za-z0-9+.\-]*:\S*",
    "ipv4": r"\d{1,3}(\.\d{1,3}){3}",
}


def text_facets(schema: dict[str, Any]) -> Facets:
    """``enum``, ``const``, lengths, ``pattern`` (unanchored, as ECMA says) and the formats above."""
    form = schema.get("format")
    return Facets(
        texts=_listed(schema),
        shortest=int(schema.get("minLength", 0)),
        longest=schema.get("maxLength"),
        patterns=tuple(filter(None, [_pattern(schema["pattern"])])) if "pattern" in schema else (),
        forms=(re.compile(_FORMS[form]),) if form in _FORMS else (),
        zoned=form == "date-time",
    )


def number_facets(schema: dict[str, Any], whole: bool) -> Facets:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return Facets(
        number=True,
        whole=whole,
        low=_exact(low if above is None else above),
        high=_exact(high if below is None else below),
        open_low=above is not None,
        open_high=below is not None,
        fraction=_decimals(schema.get("multipleOf")),
    )


def undecidable(schema: dict[str, Any]) -> str:
    """A ``pattern`` in a dialect that can't be read here; empty when there is none."""
    return "pattern" if "pattern" in schema and _pattern(schema["pattern"]) is None else ""


def _listed(schema: dict[str, Any]) -> frozenset[str] | None:
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return None if allowed is None else frozenset(a for a in allowed if isinstance(a, str))


@cache
def _pattern(spelt: str) -> "re.Pattern[str] | None":
    try:
        return re.compile(spelt, re.ASCII)
    except re.error:
        return None


def _exact(number: Any) -> Decimal | None:
    return None if number is None else Decimal(str(number))


def _decimals(step: Any) -> int | None:
    """``multipleOf: 0.01`` means two decimals; another step is left to run time."""
    spelt = _exact(step)
    if spelt is None or spelt.as_tuple().digits != (1,):
        return None
    return max(0, -int(spelt.as_tuple().exponent))
