"""Every mistake of a refused body by place and rule, never a value: for the reply after a fast decode failed."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from itertools import islice, takewhile
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from gateway.claims.schema_export import tell_decimals

MOST = 20
"""So many mistakes are listed at most."""
LONGEST = 32 << 10
"""Bodies above this many bytes get their first mistake only: the whole list takes a millisecond for 4 KB, and everybody waits."""

_PLACE = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_LACKS = re.compile(r"Object missing required field `(\w+)`")
_MOST_GUESSES = 3
_LONGEST_NAME = 40
_ROOT = "$"


def explain_invalid(bad: Exception, body: bytes, kind: type) -> tuple[str, ...]:
    """What is wrong with a JSON body that the decoder of ``kind`` refused with ``bad``, such as ``lines.3.amount: required``.

    Places are names of the model and positions, rules are JSON Schema keywords, ``unknown key`` (with the name of the model that
    it resembles), or ``form`` where only the decoder objects. Nothing of the body comes back.
    """
    return (tuple(mistakes_of(body, kind)) if len(body) <= LONGEST else ()) or (first_mistake(bad, kind),)


def mistakes_of(body: bytes, kind: type) -> list[str]:
    """By the published schema; a sound body gives an empty list."""
    found: dict[str, None] = {}
    for mistake in _mistakes(msgspec.json.decode(body), kind):
        found[mistake] = None
        if len(found) == MOST:
            break
    return list(found)


def first_mistake(bad: Exception, kind: type) -> str:
    """By the decoder's own words, which may quote what was sent: only what is a name of the model is taken from them."""
    said = str(bad)
    found = _PLACE.search(said)
    steps = re.findall(r"\w+", found[1]) if found else []
    if not all(step in _names(kind) or (step.isdecimal() and len(step) < 7) for step in steps):
        steps = []
    if lacks := _LACKS.match(said):
        return _mistake([*steps, lacks[1]], "required")
    return _mistake(steps, "unknown key" if said.startswith("Object contains unknown field") else "form")


def _mistake(steps: Iterable[str | int], rule: str) -> str:
    return f"{'.'.join(map(str, steps)) or _ROOT}: {rule}"


def _mistakes(data: Any, kind: type) -> Iterator[str]:
    for error in _validator(kind).iter_errors(data):
        steps = list(takewhile(lambda step: isinstance(step, int) or step in _names(kind), error.absolute_path))
        if error.validator == "required":
            yield from (_mistake([*steps, name], "required") for name in _missing(error))
        elif error.validator == "additionalProperties":
            yield from (_mistake(steps, rule) for rule in _unknown(error))
        else:
            yield _mistake(steps, str(error.validator))


def _missing(error: ValidationError) -> list[str]:
    present: Any = error.instance
    wanted: Any = error.validator_value
    return [name for name in wanted if name not in present]


def _unknown(error: ValidationError) -> Iterator[str]:
    present: Any = error.instance
    schema: Any = error.schema
    absent = [name for name in schema["properties"] if name not in present]
    for key in islice((key for key in present if key not in schema["properties"]), _MOST_GUESSES):
        near = get_close_matches(key, absent, 1) if len(key) <= _LONGEST_NAME else []
        yield f"unknown key, perhaps {near[0]}" if near else "unknown key"


@cache
def _validator(kind: type) -> Draft202012Validator:
    schema = msgspec.json.schema(kind)
    tell_decimals(schema.get("$defs", {}))
    return Draft202012Validator(schema, format_checker=_formats())


@cache
def _names(kind: type) -> frozenset[str]:
    defined = msgspec.json.schema(kind).get("$defs", {}).values()
    return frozenset(name for one in defined for name in one.get("properties", ()))


def _formats() -> FormatChecker:
    """The formats of the model that no pattern tells; an instant needs its zone."""
    checker = FormatChecker(formats=())
    checker.checks("date", raises=ValueError)(lambda text: not isinstance(text, str) or bool(date.fromisoformat(text)))
    checker.checks("date-time", raises=ValueError)(_is_instant)
    return checker


def _is_instant(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None
