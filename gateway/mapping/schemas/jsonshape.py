"""A target tree against a JSON Schema, without a message: what must fail is found before anything is sent."""

from collections.abc import Mapping
from typing import Any

from gateway.mapping.errors import did_you_mean
from gateway.mapping.targets.base import Shape
from gateway.mapping.values import Unit

_UNDECIDED = ("anyOf", "oneOf", "not", "if", "$dynamicRef")
_FITS = {
    "integer": {"integer", "number"},
    "number": {"number"},
    "string": {"string"},
    "boolean": {"boolean"},
    "null": {"null"},
    "object": {"object"},
    "array": {"array"},
}
MAX_REFS = 32


def check_shape(shape: Shape, name: str, documents: Mapping[str, Any], unit: Unit) -> None:
    _Checker(documents, unit).node(shape, documents[name], name)


class _Checker:
    def __init__(self, documents: Mapping[str, Any], unit: Unit) -> None:
        self.documents, self.unit = documents, unit

    def node(self, shape: Shape, schema: Any, file: str) -> None:
        schema, file = self._resolved(schema, file)
        if not isinstance(schema, dict):
            return
        for part in schema.get("allOf", ()):
            self.node(shape, part, file)
        if any(word in schema for word in _UNDECIDED) or shape.kind == "any":
            return
        if self._kind(shape, schema):
            self._texts(shape, schema)
            if shape.kind == "object":
                self._object(shape, schema, file)
            if shape.kind == "array":
                self._array(shape, schema, file)

    def _resolved(self, schema: Any, file: str) -> tuple[Any, str]:
        for _ in range(MAX_REFS):
            if not isinstance(schema, dict) or "$ref" not in schema:
                return schema, file
            target, _, pointer = str(schema["$ref"]).partition("#")
            file = target.rsplit("/", 1)[-1] or file
            schema = self.documents.get(file)
            for step in filter(None, pointer.split("/")):
                step = step.replace("~1", "/").replace("~0", "~")
                schema = schema.get(step) if isinstance(schema, dict) else None
        return None, file

    def _kind(self, shape: Shape, schema: dict[str, Any]) -> bool:
        types = schema.get("type")
        if types is None:
            return True
        allowed = set(types) if isinstance(types, list) else {types}
        if not _FITS.get(shape.kind, set()) & allowed:
            self._note(
                shape,
                "wrong-kind",
                f"{_called(shape)} is a {shape.kind}, the schema wants {' or '.join(sorted(allowed))}",
            )
            return False
        if shape.nullable and "null" not in allowed:
            self._note(
                shape,
                "null-into-required",
                f"{_called(shape)} may be null, which the schema refuses",
                "write it with ?",
            )
        return True

    def _texts(self, shape: Shape, schema: dict[str, Any]) -> None:
        allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if allowed is None or shape.texts is None or shape.kind != "string":
            return
        for text in sorted(shape.texts - {str(a) for a in allowed if isinstance(a, str)}):
            hint = did_you_mean(text, [str(a) for a in allowed])
            self._note(
                shape, "outside-enumeration", f"{_called(shape)} can be {text!r}, which the schema does not list", hint
            )

    def _object(self, shape: Shape, schema: dict[str, Any], file: str) -> None:
        properties = schema.get("properties", {})
        closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
        for member in shape.members:
            if member.name in properties:
                self.node(member, properties[member.name], file)
            elif closed:
                self._note(
                    member, "unknown-member", f"no {member.name!r} in the schema", did_you_mean(member.name, properties)
                )
        made = {member.name: member for member in shape.members}
        for name in schema.get("required", ()):
            if name not in made:
                self._note(shape, "missing-required", f"the schema requires {name!r}")
            elif made[name].maybe_missing:
                self._note(
                    made[name],
                    "missing-required",
                    f"{name!r} may be left out, the schema requires it",
                    "leave the ? out",
                )

    def _array(self, shape: Shape, schema: dict[str, Any], file: str) -> None:
        first = schema.get("prefixItems", [])
        for index, item in enumerate(shape.members):
            rule = first[index] if index < len(first) and not item.many else schema.get("items", True)
            self.node(item, rule, file)
        if not any(item.many for item in shape.members) and len(shape.members) < schema.get("minItems", 0):
            self._note(shape, "missing-required", f"the schema wants {schema['minItems']} items at least")

    def _note(self, shape: Shape, code: str, message: str, hint: str = "") -> None:
        self.unit.note(shape.pos, code, message, hint)


def _called(shape: Shape) -> str:
    return repr(shape.name) if shape.name else "an item"
