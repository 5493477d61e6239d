"""Where a path leads in a JSON Schema: a name that an answer can't have is found before any answer comes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.mapping.errors import MistakeError, did_you_mean
from gateway.mapping.schemas.jsonshape import resolved

Spot = tuple[Any, str]
"""A schema and the file it lies in."""


@dataclass(frozen=True, slots=True)
class JsonPlace:
    """A value of the document: the schemas that may describe it."""

    spots: tuple[Spot, ...]
    documents: Mapping[str, Any]

    def step(self, name: str) -> "JsonPlace | None":
        """The member; None where the schema says nothing of it. Raises ``MistakeError`` where it can't be."""
        looked = [self._look(schema, file, name) for schema, file in self.spots]
        found = tuple(spot for spots, _ in looked for spot in spots)
        if found:
            return JsonPlace(found, self.documents)
        if looked and all(closed for _, closed in looked):
            names = sorted({key for schema, file in self.spots for key in self._names(schema, file)})
            raise MistakeError("unknown-path", f"the answer's schema has no {name!r} here", did_you_mean(name, names))
        return None

    def item(self) -> "JsonPlace | None":
        """An item of the list; a value that is no list is its own only item."""
        found = []
        for schema, file in self._parts():
            rules = [schema["items"]] if isinstance(schema.get("items"), dict) else []
            rules += schema.get("prefixItems", [])
            found += [(rule, file) for rule in rules]
            if not rules and schema.get("type") != "array":
                found.append((schema, file))
        return JsonPlace(tuple(found), self.documents) if found else None

    def attribute(self, name: str) -> None:
        """JSON has no attributes."""

    def texts(self) -> frozenset[str] | None:
        """The only texts that it can be, where the schema lists them."""
        listed = [schema.get("enum", [schema["const"]] if "const" in schema else None) for schema, _ in self._parts()]
        known = [frozenset(map(str, one)) for one in listed if one is not None]
        return frozenset().union(*known) if known and len(self.spots) == 1 else None

    def _parts(self) -> Iterator[tuple[dict[str, Any], str]]:
        for schema, file in self.spots:
            schema, file = resolved(schema, file, self.documents)
            if isinstance(schema, dict):
                yield schema, file

    def _look(self, schema: Any, file: str, name: str) -> tuple[list[Spot], bool]:
        """Descriptions of the member, and whether the schema excludes it."""
        schema, file = resolved(schema, file, self.documents)
        if not isinstance(schema, dict):
            return [], schema is False
        members = {key.strip(): rule for key, rule in schema.get("properties", {}).items()}
        found: list[Spot] = [(members[name.strip()], file)] if name.strip() in members else []
        extra = schema.get("additionalProperties", True)
        if not found and isinstance(extra, dict):
            found.append((extra, file))
        closed = not found and extra is False and not schema.get("patternProperties")
        closed = closed or _never_an_object(schema.get("type"))
        for word in ("allOf", "anyOf", "oneOf"):
            parts = [self._look(part, file, name) for part in schema.get(word, ())]
            found += [spot for spots, _ in parts for spot in spots]
            shut = [shut for _, shut in parts]
            closed = closed or (any(shut) if word == "allOf" else bool(shut) and all(shut))
        for word in ("then", "else"):
            found += self._look(schema.get(word, True), file, name)[0]
        return ([], True) if closed else (found, False)

    def _names(self, schema: Any, file: str) -> Iterator[str]:
        schema, file = resolved(schema, file, self.documents)
        if isinstance(schema, dict):
            yield from schema.get("properties", {})
            for word in ("allOf", "anyOf", "oneOf"):
                for part in schema.get(word, ()):
                    yield from self._names(part, file)


def _never_an_object(types: Any) -> bool:
    return types is not None and "object" not in (types if isinstance(types, list) else [types])
