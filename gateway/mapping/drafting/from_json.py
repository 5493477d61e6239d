"""JSON Schema to an outline: references are followed into files beside it, never to the network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.mapping.drafting.outline import Contract, Part
from gateway.mapping.errors import MistakeError

_KINDS = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}
_LIMITS = {
    "minLength": "min",
    "maxLength": "max",
    "minimum": "≥",
    "maximum": "≤",
    "exclusiveMinimum": ">",
    "exclusiveMaximum": "<",
    "multipleOf": "steps of",
    "pattern": "pattern",
}
Above = tuple[str, ...]


def read_json_schema(path: Path) -> Contract:
    """Raises ``MistakeError`` when the file or one that it refers to is no JSON Schema."""
    reader = _Reader(path.parent)
    root = reader.part("", reader.document(path.name), path.name)
    return Contract("json", root, schema=path.name, files=tuple(path.parent / name for name in reader.documents))


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents: dict[str, Any] = {}

    def document(self, name: str) -> Any:
        if name not in self.documents:
            path = (self.folder / name).resolve()
            try:
                if not path.is_relative_to(self.folder.resolve()):
                    raise OSError
                self.documents[name] = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                raise MistakeError("bad-schema", f"{name} is no usable JSON Schema") from None
        return self.documents[name]

    def part(self, name: str, schema: Any, file: str, required: bool = True, above: Above = ()) -> Part:
        schema, file, above = self._merged(schema, file, above)
        part = Part(name, required=required, remark=_remark(schema), limits=tuple(_limits(schema)))
        kinds = schema.get("type", "object" if "properties" in schema else "any")
        if isinstance(kinds, list):
            part.required = part.required and "null" not in kinds
            kinds = next((kind for kind in kinds if kind != "null"), "any")
        part.choices = tuple(str(word) for word in schema.get("enum", [schema["const"]] if "const" in schema else ()))
        if kinds == "array":
            return self._array(part, schema, file, above)
        if kinds == "object" and schema.get("properties"):
            part.kind = "group"
            needed = schema.get("required", ())
            part.children = [
                self.part(key, inner, file, key in needed, above) for key, inner in schema["properties"].items()
            ]
            return part
        part.kind = _KINDS.get(kinds, "any")
        if part.kind == "text" and schema.get("format") in ("date", "date-time"):
            part.kind = "date" if schema["format"] == "date" else "datetime"
        return part

    def _array(self, part: Part, schema: dict[str, Any], file: str, above: Above) -> Part:
        first = schema.get("prefixItems", [])
        item = self.part(part.name, schema.get("items", first[0] if first else {}), file, part.required, above)
        item.many, item.remark = True, part.remark or item.remark
        return item

    def _merged(self, schema: Any, file: str, above: Above) -> tuple[dict[str, Any], str, Above]:
        """References and ``allOf`` folded into one schema; of ``oneOf`` and ``anyOf`` the first branch is drawn."""
        if not isinstance(schema, dict):
            return {}, file, above
        if "$ref" in schema:
            target, _, pointer = str(schema["$ref"]).partition("#")
            file = target.rsplit("/", 1)[-1] or file
            mark = f"{file}#{pointer}"
            if mark in above:
                return {"description": "as above"}, file, above
            found = self.document(file)
            for step in filter(None, pointer.split("/")):
                found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            inner, file, above = self._merged(found, file, (*above, mark))
            return {**inner, **beside}, file, above
        for branch in (*schema.get("allOf", ()), *schema.get("oneOf", ())[:1], *schema.get("anyOf", ())[:1]):
            inner, _, above = self._merged(branch, file, above)
            schema = _folded(schema, inner)
        return schema, file, above


def _folded(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    whole = {**other, **one}
    if "properties" in one or "properties" in other:
        whole["properties"] = {**other.get("properties", {}), **one.get("properties", {})}
    whole["required"] = [*other.get("required", ()), *one.get("required", ())]
    return whole


def _limits(schema: dict[str, Any]) -> Iterator[str]:
    for key, word in _LIMITS.items():
        if key in schema:
            yield f"{word} {schema[key]}"
    if schema.get("format") not in (None, "date", "date-time"):
        yield f"format {schema['format']}"


def _remark(schema: dict[str, Any]) -> str:
    said = [str(schema[key]) for key in ("title", "description") if schema.get(key)]
    return " ".join(" ".join(said).split())
