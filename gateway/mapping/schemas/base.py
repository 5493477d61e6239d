"""What a target schema offers, whatever its language."""

from typing import Any, Protocol

from gateway.mapping.targets.base import Shape
from gateway.mapping.values import Unit


class SchemaBreachError(Exception):
    """A message breaks its schema. ``places`` name paths and rules, never values."""

    def __init__(self, places: tuple[str, ...]) -> None:
        super().__init__("; ".join(places))
        self.places = places


class Place(Protocol):
    """A place in a document that is read, as its schema knows it."""

    def step(self, name: str) -> "Place | None":
        """What a name leads to; None where nothing is known. Raises ``MistakeError`` (``unknown-path``)."""
        ...

    def item(self) -> "Place | None": ...

    def attribute(self, name: str) -> None:
        """Raises ``MistakeError`` (``unknown-path``) for an attribute that can't be there."""
        ...

    def texts(self) -> frozenset[str] | None: ...


class TargetSchema(Protocol):
    def check(self, shape: Shape, unit: Unit) -> None:
        """Hold a tree against the schema before any message exists; what can't be decided is left to ``validate``."""
        ...

    def place(self) -> Place | None:
        """The root of a document that is read; None where nothing is known of it."""
        ...

    def surely_fits(self, shape: Shape) -> bool:
        """Whether every document of a tree without mistakes is valid, as long as no repeated part of it is empty."""
        ...

    def validate(self, document: Any) -> None:
        """A parsed document (plain data, or an XML element). Raises ``SchemaBreachError``."""
        ...
