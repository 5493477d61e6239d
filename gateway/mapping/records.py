"""CSV of several kinds of rows: ``#lines,bill,line_no`` names the columns of the rows that begin with ``lines``."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.kernel.errors import MessageRefused

_MARK = "#"


@dataclass(frozen=True, slots=True)
class Record:
    """One row. ``line`` is its first line in the file, from 1; an empty cell is absent."""

    line: int
    kind: str
    cells: dict[str, str]
    overfull: bool
    """It has more cells than its kind has columns."""


@dataclass(slots=True)
class Records:
    """A file's columns by kind and its rows in order."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    rows: list[Record] = field(default_factory=list)


def read_records(text: str, delimiter: str = ",") -> Records:
    """Raises ``MessageRefused`` (``bad-text``) naming the line: broken quotes, a kind without columns, columns named twice."""
    found = Records()
    for line, cells in _lines(text, delimiter):
        kind = cells[0].strip()
        if kind.startswith(_MARK):
            _head(found, kind.removeprefix(_MARK).strip(), cells[1:], line)
            continue
        columns = found.columns.get(kind)
        if columns is None:
            raise _refused(line, "begins with no kind of row that a # line has named")
        filled = {name: cell for name, cell in zip(columns, cells[1:], strict=False) if cell}
        found.rows.append(Record(line, kind, filled, any(cells[len(columns) + 1 :])))
    return found


def _head(found: Records, kind: str, cells: list[str], line: int) -> None:
    columns = [cell.strip() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    if not kind or kind in found.columns or "" in columns or len(set(columns)) < len(columns):
        raise _refused(line, "names a kind or a column twice, or not at all")
    found.columns[kind] = columns


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield start, cells
            start = reader.line_num + 1
    except csv.Error:
        broken = start
    else:
        return
    raise _refused(broken, "is no CSV")


def _refused(line: int, why: str) -> MessageRefused:
    return MessageRefused(f"line {line} {why}", code="bad-text", hint="see the CSV form in docs/hospital-formats.md")
