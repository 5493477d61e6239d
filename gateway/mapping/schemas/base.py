"""What a target schema offers, whatever its language."""

from typing import Any, Protocol

from gateway.mapping.targets.base import Shape
from gateway.mapping.values import Unit


class SchemaBreachError(Exception):
    """A message breaks its schema. ``places`` name paths and rules, never values."""

    def __init__(self, places: tuple[str, ...]) -> None:
        super().__init__("; ".join(places))
        self.places = places


class TargetSchema(Protocol):
    def check(self, shape: Shape, unit: Unit) -> None:
        """Hold a tree against the schema before any message exists; what can't be decided is left to ``validate``."""
        ...

    def validate(self, document: Any) -> None:
        """A parsed document (plain data, or an XML element). Raises ``SchemaBreachError``."""
        ...
