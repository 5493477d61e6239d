"""Every mistake of a refused body by path and rule, never a value: for the reply after a fast decode failed."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from itertools import islice
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from gateway.claims.canonical.claim import Submission
from gateway.claims.schema_export import published_schema

MOST = 100
"""So many mistakes are listed at most."""
LONGEST = 1 << 20
"""Bodies above this many bytes get their first mistake only: a full report would cost more than the bill itself."""

_PLACE = re.compile(r" - at `(?:key in )?\$([^`]*)`$")

Mistake = tuple[str, str]
"""(path such as ``/lines/3/amount``, broken rule such as ``required``)."""


def explain_invalid(body: bytes) -> list[Mistake]:
    """List what is wrong with a ``Submission`` body. A sound body gives an empty list.

    Paths hold names of the schema and positions only, and rules are JSON Schema keywords (``json`` when it is no JSON,
    ``form`` where only the typed decoder objects), so nothing of the body comes back. Slow (milliseconds for 6 KB):
    call it outside the event loop.
    """
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [("", "json")]
    if len(body) > LONGEST:
        return _first_mistake(body)
    return list(islice(_mistakes(data), MOST)) or _first_mistake(body)


def _mistakes(data: Any) -> Iterator[Mistake]:
    seen: set[Mistake] = set()
    for error in _validator().iter_errors(data):
        for mistake in _spelt(error):
            if mistake not in seen:
                seen.add(mistake)
                yield mistake


def _spelt(error: ValidationError) -> list[Mistake]:
    place = "".join(f"/{step}" for step in error.absolute_path)
    if error.validator == "required":
        return [(f"{place}/{name}", "required") for name in _missing(error)]
    return [(place, str(error.validator))]


def _missing(error: ValidationError) -> list[str]:
    present: Any = error.instance
    wanted: Any = error.validator_value
    return [name for name in wanted if name not in present]


def _first_mistake(body: bytes) -> list[Mistake]:
    try:
        msgspec.json.decode(body, type=Submission)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        return [(re.sub(r"[.\[\]]+", "/", place[1]).rstrip("/") if place else "", "form")]
    return []


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(published_schema("submission"), format_checker=_formats())


def _formats() -> FormatChecker:
    """The formats of the model that no pattern tells; an instant needs its zone."""
    checker = FormatChecker(formats=())
    checker.checks("date", raises=ValueError)(lambda text: not isinstance(text, str) or bool(date.fromisoformat(text)))
    checker.checks("date-time", raises=ValueError)(_is_instant)
    return checker


def _is_instant(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None
