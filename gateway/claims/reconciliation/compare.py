"""Two books of one day side by side. Pure: lines in, differences out; each line is used once."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.claims.reconciliation.book import Line, Standing


class Class(StrEnum):
    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"
    AMOUNT = "amount_differs"
    STATE = "state_differs"
    ROLL_OVER = "roll_over"
    """Near midnight and in one book only: looked for in the next day's books once."""


@dataclass(frozen=True, slots=True)
class Difference:
    kind: Class
    ours: Line | None
    theirs: Line | None

    @property
    def lines(self) -> tuple[Line, ...]:
        """One or both; ours first."""
        return tuple(line for line in (self.ours, self.theirs) if line is not None)


@dataclass(frozen=True, slots=True)
class Compared:
    differences: tuple[Difference, ...]
    pairs: tuple[tuple[Line, Line], ...]


@dataclass(frozen=True, slots=True)
class Edges:
    """``day_ends`` in epoch ms; an unmatched line within ``edge_ms`` before it may belong to the next day, a line of the
    last pass lies within ``near_ms`` of the other book's."""

    day_ends: int
    edge_ms: int = 30 * 60_000
    near_ms: int = 10 * 60_000


def compare(ours: Sequence[Line], theirs: Sequence[Line], edges: Edges) -> Compared:
    """Match by our number, then by the peer's, then by amount, time and person, and name what is left over or differs.

    The last pass takes only lines of the peer that name no number of ours, and only where one line of each book fits.
    """
    left = _Left(ours, theirs)
    left.match(lambda line: line.ids)
    left.match(lambda line: line.marks)
    left.match_alike(edges.near_ms)
    differences = [found for ours_, theirs_ in left.pairs if (found := _judge(ours_, theirs_)) is not None]
    differences += [
        Difference(_alone(line, edges, Class.ONLY_OURS), line, None) for line in left.ours.values() if _counts(line)
    ]
    differences += [
        Difference(_alone(line, edges, Class.ONLY_THEIRS), None, line) for line in left.theirs.values() if _counts(line)
    ]
    return Compared(tuple(differences), tuple(left.pairs))


class _Left:
    """Lines of both books that have no counterpart yet, by position."""

    def __init__(self, ours: Sequence[Line], theirs: Sequence[Line]) -> None:
        self.ours = dict(enumerate(ours))
        self.theirs = dict(enumerate(theirs))
        self.pairs: list[tuple[Line, Line]] = []

    def match(self, names: Callable[[Line], Iterable[str]]) -> None:
        """Lines of one kind that share a name. Of several, the one that agrees best."""
        by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
        for place, line in self.ours.items():
            for name in names(line):
                by_name[line.kind, name].append(place)
        for place, line in sorted(self.theirs.items(), key=lambda one: one[1].number):
            found = {one for name in names(line) for one in by_name[line.kind, name] if one in self.ours}
            if found:
                self._pair(min(found, key=lambda one: (*_disagreement(self.ours[one], line), one)), place)

    def match_alike(self, near_ms: int) -> None:
        """Amount, time and, where both books know it, person: taken only when nothing else could be meant."""
        nameless = {place: line for place, line in self.theirs.items() if not line.ids and line.at}
        fits = {
            place: [one for one, ours in self.ours.items() if _alike(ours, line, near_ms)]
            for place, line in nameless.items()
        }
        wanted = Counter(one for candidates in fits.values() for one in candidates)
        for place, candidates in fits.items():
            if len(candidates) == 1 and wanted[candidates[0]] == 1:
                self._pair(candidates[0], place)

    def _pair(self, ours: int, theirs: int) -> None:
        self.pairs.append((self.ours.pop(ours), self.theirs.pop(theirs)))


def _disagreement(ours: Line, theirs: Line) -> tuple[bool, bool]:
    return ours.amount != theirs.amount, ours.standing is not theirs.standing


def _alike(ours: Line, theirs: Line, near_ms: int) -> bool:
    same = ours.kind is theirs.kind and ours.amount == theirs.amount and ours.standing is theirs.standing
    near = bool(ours.at) and abs(ours.at - theirs.at) <= near_ms
    same_person = not ours.person or not theirs.person or ours.person == theirs.person
    same_marks = not ours.marks or not theirs.marks
    return same and near and same_person and same_marks


def _judge(ours: Line, theirs: Line) -> Difference | None:
    if ours.standing is not theirs.standing:
        return Difference(Class.STATE, ours, theirs)
    if ours.amount != theirs.amount and ours.standing is Standing.DONE:
        return Difference(Class.AMOUNT, ours, theirs)
    return None


def _counts(line: Line) -> bool:
    """A refused or unknown act that only one book lists moved nothing there: it is listed apart."""
    return line.standing is Standing.DONE


def _alone(line: Line, edges: Edges, kind: Class) -> Class:
    near_midnight = bool(line.at) and 0 <= edges.day_ends - line.at <= edges.edge_ms
    return Class.ROLL_OVER if near_midnight and not line.carried else kind
