"""Versions of one act side by side: every day has exactly one of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.mapping.mapfile import MapFile
from gateway.mapping.yamlfile import Book, Map, Pos, Scalar

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days of one version, both ends included; None is open."""

    file: str
    by: str
    start: date | None
    end: date | None
    pos: Pos
    book: Book


def check_periods(files: Mapping[str, MapFile]) -> None:
    """Note gaps and overlaps between the files of one act (``settle``, ``settle@2``), at the later file's ``effective``."""
    acts: dict[str, list[Period]] = defaultdict(list)
    for stem, file in files.items():
        acts[stem.partition("@")[0]].append(_period(file))
    for periods in acts.values():
        for period in periods:
            if period.start is not None and period.end is not None and period.end < period.start:
                period.book.note(period.pos, "bad-value", "effective ends before it begins")
        if len(periods) > 1:
            _side_by_side(sorted(periods, key=lambda one: (one.start or date.min, one.file)))


def _period(file: MapFile) -> Period:
    entry = file.root.entry("effective")
    node = entry.value if entry is not None and isinstance(entry.value, Map) else None
    said = {one.key: one.value.text for one in node or () if isinstance(one.value, Scalar)}
    pos = entry.pos if entry is not None else file.root.pos
    return Period(file.path.name, said.get("by", ""), _day(said.get("from")), _day(said.get("to")), pos, file.book)


def _day(spelt: str | None) -> date | None:
    try:
        return date.fromisoformat(spelt) if spelt else None
    except ValueError:
        return None


def _side_by_side(periods: Iterable[Period]) -> None:
    before: Period | None = None
    for period in periods:
        if before is not None:
            _next_to(before, period)
        before = period


def _next_to(before: Period, after: Period) -> None:
    if before.by != after.by:
        said = f"{before.file} is chosen by {before.by or 'nothing'}, this one by {after.by or 'nothing'}"
        after.book.note(after.pos, "effective-overlap", said, "versions of an act are chosen by the same date")
    elif after.start is None or before.end is None or after.start <= before.end:
        last = f"until {before.end}" if before.end is not None else "without end"
        hint = f"end {before.file} on {after.start - _DAY}" if after.start is not None else "say from when"
        after.book.note(after.pos, "effective-overlap", f"{before.file} holds {last}", hint)
    elif after.start > before.end + _DAY:
        said = f"no version holds from {before.end + _DAY} to {after.start - _DAY}"
        after.book.note(after.pos, "effective-gap", said, f"begin on {before.end + _DAY}")
