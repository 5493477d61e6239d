"""Target schemas: held against the tree when a mapping loads, and against every message before it is sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.mapping.errors import MistakeError
from gateway.mapping.schemas.base import SchemaBreachError, TargetSchema
from gateway.mapping.schemas.jsonschema import load_json_schema
from gateway.mapping.schemas.xsd import load_xsd

__all__ = ["SchemaBreachError", "SchemaShelf", "TargetSchema"]


@dataclass(slots=True)
class SchemaShelf:
    """Schemas of one partner by file name, each compiled once."""

    folder: Path
    loaded: dict[str, TargetSchema] = field(default_factory=dict)

    def get(self, name: str) -> TargetSchema:
        """Raises ``MistakeError`` (``unknown-file``, ``bad-schema``) when it isn't there or isn't a schema."""
        if name not in self.loaded:
            self.loaded[name] = self._load(name)
        return self.loaded[name]

    def _load(self, name: str) -> TargetSchema:
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            raise MistakeError(
                "unknown-file", f"no schema file {name!r}", f"it must lie in the folder {self.folder.name}"
            )
        load: Callable[[Path], TargetSchema] = load_json_schema if path.suffix == ".json" else load_xsd
        return load(path)
