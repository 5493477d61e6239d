"""JSON Schema: the fast validator decides, the full one explains, and the tree is checked when the mapping loads."""

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import referencing
from referencing.jsonschema import DRAFT202012

from gateway.mapping.errors import MistakeError
from gateway.mapping.schemas.base import SchemaBreachError
from gateway.mapping.schemas.jsonplace import JsonPlace
from gateway.mapping.schemas.jsonshape import check_shape
from gateway.mapping.targets.base import Shape
from gateway.mapping.values import Unit

_BASE = "https://schemas.invalid/"
MAX_PLACES = 12


class JsonSchema:
    """One JSON Schema file; relative references lead to files beside it, never to the network."""

    def __init__(self, path: Path, beside: "Beside") -> None:
        self.name = path.name
        self.documents = beside.documents
        schema = self.documents[path.name]
        self._pairs, self._uri = beside.pairs, _uri(path.name, schema)
        self._fast = jsonschema_rs.validator_for(schema, base_uri=self._uri, registry=beside.registry, offline=True)
        jsonschema_rs.meta.validate(schema)

    def check(self, shape: Shape, unit: Unit) -> None:
        check_shape(shape, self.name, self.documents, unit.book)

    def surely_fits(self, shape: Shape) -> bool:  # noqa: ARG002 - validating JSON takes microseconds, so no proof is sought
        return False

    def place(self) -> JsonPlace:
        return JsonPlace(((self.documents[self.name], self.name),), self.documents)

    def validate(self, document: Any) -> None:
        if self._fast.is_valid(document):
            return
        found = sorted({_place(error) for error in self._explainer.iter_errors(document)})
        raise SchemaBreachError(tuple(found[:MAX_PLACES]) or ("the document breaks its schema",))

    @cached_property
    def _explainer(self) -> Any:
        """Made when the first message is refused: it knows the places, and takes a thousand times longer."""
        registry: Any = referencing.Registry().with_resources(
            [(key, referencing.Resource.from_contents(inner, DRAFT202012)) for key, inner in self._pairs]
        )
        schema = self.documents[self.name]
        kind: Any = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
        return kind({"$ref": self._uri}, registry=registry)


def _uri(name: str, schema: Any) -> str:
    spelt = schema.get("$id") if isinstance(schema, dict) else None
    return str(spelt) if isinstance(spelt, str) and ":" in spelt else _BASE + name


@dataclass(frozen=True, slots=True)
class Beside:
    """The JSON Schema files of one folder, which may refer to each other."""

    documents: dict[str, Any]
    pairs: list[tuple[str, Any]]
    registry: jsonschema_rs.Registry


def schemas_of(folder: Path) -> Beside:
    """Raises ``ValueError`` when one of them is no JSON."""
    found = ((file, file.stat()) for file in sorted(folder.glob("*.json")))
    return _parsed(tuple((file, stat.st_mtime_ns, stat.st_size) for file, stat in found))


@lru_cache(maxsize=16)
def _parsed(files: tuple[tuple[Path, int, int], ...]) -> Beside:
    """A folder is read once for all the schemas in it, and again when one has changed."""
    documents = {file.name: json.loads(file.read_text(encoding="utf-8")) for file, _, _ in files}
    pairs = [(_uri(name, inner), inner) for name, inner in documents.items() if isinstance(inner, dict)]
    return Beside(documents, pairs, jsonschema_rs.Registry(pairs))


def _place(error: Any) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path).lstrip(".")
    return f"{path or 'the document'}: {error.validator}"


def load_json_schema(path: Path, beside: Beside | None = None) -> JsonSchema:
    """``beside`` is what ``schemas_of`` says of its folder, where that is known.

    Raises ``MistakeError`` (``bad-schema``) when a file of the folder is no JSON or the schema is no schema.
    """
    try:
        return JsonSchema(path, beside or schemas_of(path.parent))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise MistakeError("bad-schema", f"{path.name} is no usable JSON Schema: {type(error).__name__}") from None
