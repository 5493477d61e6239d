"""Children of an element against a content model: order, repeats, choices and what must be there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.mapping.schemas.xsdfiles import local
from gateway.mapping.schemas.xsdmodel import Element, Group, Wildcard
from gateway.mapping.targets.base import Shape
from gateway.mapping.yamlfile import Book

Steps = tuple[tuple[Group, int], ...]
"""The way from the content's root group to a leaf: each group and the index taken in it."""


@dataclass(slots=True)
class Spot:
    """One place of the model that an element can take, and the children of the tree that took it."""

    leaf: Element | Wildcard
    steps: Steps
    made: list[Shape] = field(default_factory=list)

    @property
    def repeats(self) -> bool:
        return self.leaf.high > 1 or any(group.high > 1 for group, _ in self.steps)

    @property
    def sure(self) -> bool:
        return any(not child.maybe_missing or child.many for child in self.made)


def spots(group: Group, steps: Steps = ()) -> Iterator[Spot]:
    for index, part in enumerate(group.parts):
        way = (*steps, (group, index))
        if isinstance(part, Group):
            yield from spots(part, way)
        else:
            yield Spot(part, way)


CLASHES = ("misordered", "choice-twice", "repeated")


def clash(before: Spot, after: Spot) -> str:
    """Why ``after`` can't come after ``before``: misordered, choice-twice, or empty when it can."""
    for (group, one), (other, two) in zip(before.steps, after.steps, strict=False):
        if group is not other or group.high > 1:
            return ""
        if one != two:
            if group.kind == "choice":
                return "choice-twice"
            return "misordered" if group.kind == "sequence" and two < one else ""
    return ""


class Order:
    """The children of one element, put into the model one by one in the order of the tree."""

    def __init__(self, group: Group, shape: Shape, book: Book, take: Callable[[Shape, Spot], bool]) -> None:
        self.group, self.shape, self.book, self._takes = group, shape, book, take
        self.spots = list(spots(group))
        self._taken: list[tuple[Shape, Spot]] = []

    def put(self, child: Shape) -> Spot | None:
        """The spot that the child takes; None when the model has none for it."""
        fitting = [spot for spot in self.spots if self._takes(child, spot)]
        named = [spot for spot in fitting if isinstance(spot.leaf, Element)] or fitting
        if not named:
            return None
        free = [spot for spot in named if not any(self._wrong(child, spot, *one) for one in self._taken)]
        spot = (free or named)[0]
        if not free:
            self._complain(child, spot)
        spot.made.append(child)
        self._taken.append((child, spot))
        self._repeated(child, spot)
        return spot

    def _wrong(self, child: Shape, spot: Spot, other: Shape, taken: Spot) -> str:
        if spot is taken:
            return "" if spot.repeats or (child.maybe_missing and other.maybe_missing) else "repeated"
        return clash(taken, spot)

    def _complain(self, child: Shape, spot: Spot) -> None:
        for other, taken in self._taken:
            wrong = self._wrong(child, spot, other, taken)
            if wrong == "misordered":
                self.book.note(child.pos, wrong, f"{child.name!r} must come before {other.name!r}")
            elif wrong == "choice-twice" and child.maybe_missing and other.maybe_missing:
                said = f"{child.name!r} and {other.name!r} exclude each other; that one is absent is left to run time"
                self.book.opaque(child.pos, said)
            elif wrong == "choice-twice":
                said = f"the schema wants either {other.name!r} or {child.name!r}"
                self.book.note(child.pos, wrong, said, "give both a $when that excludes the other")
            elif wrong:
                continue  # _repeated says it
            if wrong:
                return

    def _repeated(self, child: Shape, spot: Spot) -> None:
        made = spot.made
        if spot.repeats or all(one.maybe_missing and not one.many for one in made):
            return
        if child.many or len(made) > 1:
            said = f"{child.name!r} may occur once only in {self.shape.name}"
            self.book.note(child.pos, "repeated", said, "first(…) gives one of a list")

    def missing(self) -> None:
        self._need(self.group, (), True)

    def _below(self, group: Group) -> list[Spot]:
        return [spot for spot in self.spots if spot.made and any(one is group for one, _ in spot.steps)]

    def _need(self, group: Group, steps: Steps, forced: bool) -> None:
        """``forced``: the group is there for sure; otherwise only what its own children imply is wanted."""
        below = self._below(group)
        forced = (forced and group.low > 0) or any(spot.sure for spot in below)
        if not forced and not below:
            return
        if group.kind == "choice":
            self._need_one(group, steps, forced, below)
            return
        for index, part in enumerate(group.parts):
            if isinstance(part, Group):
                self._need(part, (*steps, (group, index)), forced)
            elif isinstance(part, Element) and part.low > 0:
                self._need_element(self._spot(part), forced)

    def _need_one(self, group: Group, steps: Steps, forced: bool, below: list[Spot]) -> None:
        if not below:
            if not group.emptiable:
                names = ", ".join(local(spot.leaf.name) for spot in spots(group) if isinstance(spot.leaf, Element))
                said = f"{self.shape.name} requires one of {names}"
                self.book.note(self.shape.pos, "missing-required", said)
            return
        used = {index for spot in below for one, index in spot.steps if one is group}
        for index in used:
            part, alone = group.parts[index], forced and len(used) == 1
            if isinstance(part, Group):
                self._need(part, (*steps, (group, index)), alone)
            elif isinstance(part, Element) and part.low > 0 and not group.emptiable:
                self._need_element(self._spot(part), alone)

    def _spot(self, leaf: Element) -> Spot:
        return next(spot for spot in self.spots if spot.leaf is leaf)

    def _need_element(self, spot: Spot, forced: bool) -> None:
        if spot.sure or (spot.made and not forced):
            return
        name = local(spot.leaf.name) if isinstance(spot.leaf, Element) else ""
        pos = spot.made[0].pos if spot.made else self.shape.pos
        said = f"{self.shape.name} requires {name!r}"
        hint = "it may be left out: write it without ? and $when" if spot.made else ""
        self.book.note(pos, "missing-required", said, hint)
