"""A file of several bills: every row belongs to one bill, and every bill is taken whole or not at all."""

import csv
import io
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from gateway.kernel.errors import BadRequest, LianpeiError, MessageRefused
from gateway.kernel.ids import is_id
from gateway.mapping.records import Record, Records, read_records

KEY = "bill"
"""The column that says which bill a row belongs to: the key under which the bill is taken, as ``Idempotency-Key`` is."""
MOST_BILLS = 1000
_CHARSETS = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig", "gbk": "gbk", "gb2312": "gbk", "gb18030": "gb18030"}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\x84\x31\x95\x33", "gb18030"))
"""Byte order marks: what a file says of itself counts more than the header that some tool put before it."""
_PLACE = re.compile(r"^([a-z_]+)\.(\d+)")
_EACH = re.compile(r"^([a-z_]+)\.\[\]")


@dataclass(slots=True)
class Piece:
    """One bill's rows in the order of the file, and what is wrong with them before anybody reads them."""

    key: str
    records: Records
    wrong: list[int] = field(default_factory=list)
    """Lines with more cells than columns."""

    @property
    def lines(self) -> list[tuple[int, int]]:
        """The lines of the file that the bill's rows begin at: runs of first and last."""
        return _runs(row.line for row in self.records.rows)

    def lines_of(self, refused: LianpeiError, reads: Callable[[bytes], object]) -> list[int]:
        """Lines of the rows that fields such as ``lines.3.amount`` speak of.

        A mapping says ``lines.[].amount`` only; the first row at which ``reads`` says it is found by reading the bill again
        with the first half of these rows, and so on.
        """
        each = _EACH.match(next(iter(refused.fields), ""))
        if each is not None:
            return [self._first_bad(each[1], refused.fields[0], reads)]
        found = (_PLACE.match(place) for place in refused.fields)
        return sorted({line for hit in found if hit for line in self._line(hit[1], int(hit[2]))})

    def _line(self, kind: str, number: int) -> list[int]:
        return [row.line for row in self._of(kind)][number : number + 1]

    def _of(self, kind: str) -> list[Record]:
        return [row for row in self.records.rows if row.kind == kind]

    def _first_bad(self, kind: str, field: str, reads: Callable[[bytes], object]) -> int:
        rows = self._of(kind)

        def is_bad(count: int) -> bool:
            try:
                reads(self._document([row for row in self.records.rows if row.kind != kind] + rows[:count]))
            except LianpeiError as again:
                return field in again.fields
            return False

        return rows[bisect_left(range(1, len(rows)), True, key=is_bad)].line

    def document(self) -> bytes:
        """The bill by itself in the same form, UTF-8."""
        return self._document(self.records.rows)

    def _document(self, rows: list[Record]) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out)
        columns = self.records.columns
        writer.writerows([f"#{kind}", *columns[kind]] for kind in dict.fromkeys(row.kind for row in rows))
        writer.writerows([row.kind, *(row.cells.get(name, "") for name in columns[row.kind])] for row in rows)
        return out.getvalue().encode("utf-8", "surrogatepass")


def text_of(body: bytes, charset: str) -> str:
    """The file as text by its byte order mark, else by the stated ``charset``, else as UTF-8. It is never guessed.

    Raises ``BadRequest`` (``charset-unknown``, ``charset-wrong``).
    """
    marked = next((codec for mark, codec in _MARKS if body.startswith(mark)), None)
    codec = marked or _CHARSETS.get((charset or "utf-8").lower())
    if codec is None:
        raise BadRequest("this charset is not taken", code="charset-unknown", hint="Send UTF-8, GBK or GB18030.")
    try:
        return body.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError:
        pass
    hint = "Say what it is: Content-Type: text/csv; charset=gbk (or utf-8)."
    raise BadRequest("the file is not of the charset that it is sent as", code="charset-wrong", hint=hint)


def pieces_of(text: str) -> list[Piece]:
    """The bills of a file, by their first row. Raises ``BadRequest`` when a row can't be given to a bill: nothing is taken."""
    try:
        records = read_records(text)
    except MessageRefused as bad:
        raise BadRequest(bad.message, code="upload-form", hint=bad.hint) from None
    found: dict[str, Piece] = {}
    stray = [row.line for row in records.rows if not is_id(row.cells.get(KEY, ""))]
    if stray or not records.rows:
        raise BadRequest(
            "rows of the file belong to no bill" if stray else "the file has no rows",
            code="upload-form",
            hint="Every row has in its column bill the key of its bill: 1 to 64 characters of A-Z a-z 0-9 _ . : -",
            fields=tuple(f"line {line}" for line in stray[:100]),
        )
    for row in records.rows:
        _keep(row, found.setdefault(row.cells[KEY], Piece(row.cells[KEY], Records(records.columns))))
    if len(found) > MOST_BILLS:
        raise BadRequest("the file has too many bills", code="upload-form", hint=f"At most {MOST_BILLS} in one file.")
    return list(found.values())


def _keep(row: Record, piece: Piece) -> None:
    piece.records.rows.append(row)
    if row.overfull:
        piece.wrong.append(row.line)


def _runs(lines: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbouring lines as one run."""
    ordered = sorted(lines)
    ends = [0, *(place for place, (one, next_) in enumerate(pairwise(ordered), 1) if next_ != one + 1), len(ordered)]
    return [(ordered[start], ordered[end - 1]) for start, end in pairwise(ends)]
