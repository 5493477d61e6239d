"""Target schemas: held against the tree when a mapping loads, and against every message before it is sent."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.mapping.errors import MistakeError
from gateway.mapping.inside import file_inside
from gateway.mapping.schemas.base import SchemaBreachError, TargetSchema
from gateway.mapping.schemas.jsonschema import Beside, load_json_schema, schemas_of
from gateway.mapping.schemas.xsd import load_xsd

__all__ = ["SchemaBreachError", "SchemaShelf", "TargetSchema"]


@dataclass(slots=True)
class SchemaShelf:
    """Schemas of one partner by file name, each compiled once."""

    folder: Path
    loaded: dict[str, TargetSchema] = field(default_factory=dict)
    _root: Path = field(init=False)
    _beside: Beside | None = None
    """The folder is looked through once, for the first JSON Schema of it."""

    def __post_init__(self) -> None:
        self._root = self.folder.resolve()

    def get(self, name: str) -> TargetSchema:
        """Raises ``MistakeError`` (``unknown-file``, ``bad-schema``) when it isn't there or isn't a schema."""
        if name not in self.loaded:
            self.loaded[name] = self._load(name)
        return self.loaded[name]

    def _load(self, name: str) -> TargetSchema:
        path = file_inside(self._root, name)
        if path is None:
            raise MistakeError(
                "unknown-file", f"no schema file {name!r}", f"it must lie in the folder {self.folder.name}"
            )
        return self._load_json(path) if path.suffix == ".json" else load_xsd(path)

    def _load_json(self, path: Path) -> TargetSchema:
        if path.parent != self._root:
            return load_json_schema(path)
        with suppress(ValueError):  # load_json_schema says it in its own words
            self._beside = self._beside or schemas_of(self._root)
        return load_json_schema(path, self._beside)
