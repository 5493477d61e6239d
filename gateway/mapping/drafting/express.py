"""A suggested source as an expression: the path, its absence and its form."""

from collections.abc import Sequence
from enum import Enum

from gateway.mapping.drafting.candidates import Candidate
from gateway.mapping.drafting.outline import Part
from gateway.mapping.drafting.words import squeezed, words
from gateway.mapping.types import Kind

_DAYS = {8: "%Y%m%d", 10: "%Y-%m-%d"}
_TIMES = {14: "%Y%m%d%H%M%S", 19: "%Y-%m-%d %H:%M:%S", 12: "%Y%m%d%H%M", 16: "%Y-%m-%d %H:%M"}
ISO = "%Y-%m-%dT%H:%M:%S%:z"


def expression(part: Part, candidate: Candidate, json: bool) -> str:
    """The whole expression; ``code(…)`` names a table called as the candidate's field."""
    path = candidate.path
    if candidate.optional and part.required:
        path = f"need({path})"
    kind = candidate.type.kind
    if kind in (Kind.DATE, Kind.DATETIME):
        return _moment(part, path, kind)
    if kind is Kind.BOOL and not (part.kind == "boolean" or (part.kind == "any" and json)):
        yes, no = _yes_no(part)
        return f'"{yes}" if {path} else "{no}"'
    if candidate.money and part.kind != "integer":
        return f"yuan_number({path})" if json and part.kind in ("number", "any") else f"yuan({path})"
    if kind is Kind.ENUM and part.choices:
        return f"code({candidate.path.rpartition('.')[2]}, {path})"
    if not json:
        return path
    if kind is Kind.DECIMAL and part.kind in ("number", "integer", "any"):
        return f"number({path}, {0 if part.kind == 'integer' else 2})"
    if kind in (Kind.INT, Kind.DECIMAL) and part.kind == "text":
        return f"text({path})"
    return f"int({path})" if kind is Kind.TEXT and part.kind == "integer" else path


def _yes_no(part: Part) -> tuple[str, str]:
    """The partner's two words where it lists them."""
    for pair in (("1", "0"), ("Y", "N"), ("true", "false"), ("是", "否"), ("yes", "no")):
        if set(pair) <= set(part.choices):
            return pair
    return "1", "0"


def _moment(part: Part, path: str, kind: Kind) -> str:
    length = _length(part)
    if kind is Kind.DATE:
        form = _DAYS.get(length, "%Y-%m-%dT00:00:00" if part.kind == "datetime" else "%Y-%m-%d")
        return f'date({path}, "{form}")'
    form = _TIMES.get(length) or _DAYS.get(length) or ("%Y-%m-%d" if part.kind == "date" else ISO)
    return f'datetime({path}, "{form}")'


def _length(part: Part) -> int:
    """How many characters the partner's own words give a moment: ``max 8``, ``like 99999999``, ``yyyyMMdd`` in the remark."""
    for limit in part.limits:
        word, _, rest = limit.partition(" ")
        if word in ("max", "length") and rest.isdigit():
            return int(rest)
        if word == "like":
            return len(rest)
    for form, length in (("yyyymmddhhmmss", 14), ("yyyy-mm-dd hh:mm:ss", 19), ("yyyymmdd", 8), ("yyyy-mm-dd", 10)):
        if form in part.remark.lower():
            return length
    return 0


def table_rows(codes: type[Enum], choices: Sequence[str]) -> dict[str, str]:
    """Our codes to the partner's, as far as the spelling says so; a row that is not there is for a person to add."""
    rows = {}
    for member in codes:
        ours = str(member.value)
        exact = [word for word in choices if squeezed(word) == squeezed(ours)]
        begins = [word for word in choices if squeezed(word) and squeezed(ours).startswith(squeezed(word))]
        alike = [word for word in choices if set(words(word)) & set(words(ours))]
        found = exact or (begins if len(begins) == 1 else []) or (alike if len(alike) == 1 else [])
        if found:
            rows[ours] = found[0]
    return rows
