"""What a book says of one act of money, and what a day sums to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    PAY = "pay"
    REFUND = "refund"


class Standing(StrEnum):
    DONE = "done"
    """Money moved, or is owed for good: the only standing that is summed."""
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One act in somebody's book. ``amount`` in 分, ``at`` in epoch ms (0: the book gives no time).

    ``ids`` are the numbers of ours that it names, ``marks`` blinded numbers of the peer (``Marks``): of our own lines the
    peer's numbers that we were told, of the peer's line its own one. ``person`` is a blind index or empty.
    """

    key: str
    """Stays the same when the same book is read again; of our own lines the act's id."""
    kind: Kind
    standing: Standing
    amount: int
    at: int = 0
    ids: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    person: str = ""
    hospital: str = ""
    order_id: str = ""
    claim_id: str = ""
    number: int = 0
    """The line's number in the peer's document."""
    carried: str = ""
    """The item of the day before that it comes from."""


@dataclass(frozen=True, slots=True)
class Total:
    count: int = 0
    amount: int = 0


Totals = Mapping[tuple[Kind, Standing], Total]


def totals(lines: Iterable[Line]) -> dict[tuple[Kind, Standing], Total]:
    """Count and sum per kind of act, with refused and unknown ones apart."""
    found: dict[tuple[Kind, Standing], Total] = {}
    for line in lines:
        place = line.kind, line.standing
        before = found.get(place, Total())
        found[place] = Total(before.count + 1, before.amount + line.amount)
    return found


def agree(ours: Totals, theirs: Totals) -> bool:
    """Whether what is summed is the same in both books, act type by act type."""
    return all(ours.get((kind, Standing.DONE), Total()) == theirs.get((kind, Standing.DONE), Total()) for kind in Kind)
