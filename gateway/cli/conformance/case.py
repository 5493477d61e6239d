"""What a case is and what it finds. Evidence holds states, codes, amounts and times, never a name or a medical word."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.cli.conformance.bench import Bench, Played, converse


class Mark(StrEnum):
    FULL = "full"
    LOST = "lost"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    mark: Mark
    evidence: tuple[str, ...]


def held(passed: bool, *evidence: str) -> Finding:
    return Finding(Mark.FULL if passed else Mark.LOST, evidence)


def beside(*why: str) -> Finding:
    """The protocol or the folder has no place for this case: it counts neither way."""
    return Finding(Mark.NOT_APPLICABLE, why)


@dataclass(slots=True)
class Exam:
    """One partner's examination; the first conversation of each kind is shared by the cases that only look at it."""

    bench: Bench
    endpoint: str
    ca: str
    """File of the authority that the endpoint's certificate must come from; empty: the system's."""
    refused_policy: str
    """Start of the number of a policy that the partner refuses; empty where none is known."""
    first: dict[str, Played] = field(default_factory=dict)

    async def played(self, kind: str = "") -> Played:
        kind = kind or self.bench.kinds[0]
        if kind not in self.first:
            self.first[kind] = await converse(self.bench, kind)
        return self.first[kind]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    points: int
    zh: str
    en: str
    mend_zh: str
    mend_en: str
    run: Callable[[Exam], Awaitable[Finding]]
