"""State machines as data: one table per thing that has states, from which the code, docs/states.md and the tests come."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

from gateway.kernel.errors import Conflict

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Words(NamedTuple):
    zh: str
    en: str


@dataclass(frozen=True, eq=False)
class Machine(Generic[S, E]):
    """States of one kind of thing. A transition that is not in ``table`` can't be made."""

    name: str
    """In English and lower case: ``claim``."""
    title: Words
    start: S
    table: Mapping[tuple[S, E], S]
    states: Mapping[S, Words]
    """What each state means to a person, in the order in which they are shown."""
    events: Mapping[E, Words]

    def after(self, state: S, event: E) -> S:
        """The state after ``event``. Raises ``Conflict`` (``illegal-transition``)."""
        found = self.table.get((state, event))
        if found is None:
            raise Conflict(f"{self.name}: {state} can't {event}", code="illegal-transition")
        return found

    @cached_property
    def final(self) -> frozenset[S]:
        """States that are never left."""
        return frozenset(self.states) - {state for state, _ in self.table}

    @cached_property
    def reachable(self) -> frozenset[S]:
        reached, before = {self.start}, set[S]()
        while reached != before:
            before = set(reached)
            reached |= {after for (state, _), after in self.table.items() if state in before}
        return frozenset(reached)

    @cached_property
    def steps(self) -> frozenset[tuple[S, S]]:
        """Pairs of states of which one event leads from the first to the second."""
        return frozenset((state, after) for (state, _), after in self.table.items())
