"""What the published model says of each leaf of a submission: who may see it and what it can hold.

Read from ``schemas/canonical/submission.schema.json`` as any hospital could, so a leaf that is added to the model is
planted and searched for without a line here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).resolve().parents[3] / "schemas" / "canonical" / "submission.schema.json"
SENSITIVE = frozenset({"identity", "medical"})
_FORMATS = {"date": "day", "date-time": "instant", "decimal": "number"}
_TYPES = {"boolean": "flag", "integer": "number"}
_DIGEST, _ID = "[0-9a-f]{64}", "[A-Za-z0-9_."


class Form(StrEnum):
    TEXT = "text"
    DIGEST = "digest"
    DAY = "day"
    INSTANT = "instant"
    FLAG = "flag"
    NUMBER = "number"
    CODE = "code"
    """One of a fixed list, or of a form too narrow for a mark."""


@dataclass(frozen=True, slots=True)
class Leaf:
    owner: str
    name: str
    label: str
    form: Form
    longest: int

    @property
    def is_sensitive(self) -> bool:
        return self.label in SENSITIVE

    @property
    def path(self) -> str:
        return f"{self.owner}.{self.name}"


@dataclass(frozen=True, slots=True)
class Struct:
    name: str
    leaves: tuple[Leaf, ...]
    parts: Mapping[str, tuple[str, bool]]
    """Field -> (name of its struct, whether it is a list of them)."""
    required: frozenset[str]


@cache
def structs() -> Mapping[str, Struct]:
    """By name, in the order of the schema."""
    definitions = json.loads(SCHEMA.read_bytes())["$defs"]
    return {name: _struct(name, one, definitions) for name, one in definitions.items() if "properties" in one}


def sensitive_leaves() -> tuple[Leaf, ...]:
    """Every medical and identity leaf of the model."""
    return tuple(leaf for struct in structs().values() for leaf in struct.leaves if leaf.is_sensitive)


def objects(value: dict[str, Any], struct: str = "Submission") -> Iterator[tuple[Struct, dict[str, Any]]]:
    """Every object of a submission with what the model says of it, outermost first."""
    known = structs()[struct]
    yield known, value
    for field, (inner, _) in known.parts.items():
        found = value.get(field, ())
        for one in found if isinstance(found, list | tuple) else (found,):
            yield from objects(one, inner)


def _struct(name: str, definition: Mapping[str, Any], definitions: Mapping[str, Any]) -> Struct:
    leaves, parts = [], {}
    for field, spelt in definition["properties"].items():
        inner = spelt.get("items", spelt)
        target = str(inner.get("$ref", "")).rpartition("/")[2]
        if "properties" in definitions.get(target, {}):
            parts[field] = (target, "items" in spelt)
        else:
            leaves.append(Leaf(name, field, spelt["x-label"], _form(spelt), spelt.get("maxLength", 64)))
    return Struct(name, tuple(leaves), parts, frozenset(definition.get("required", ())))


def _form(spelt: Mapping[str, Any]) -> Form:
    if "format" in spelt:
        return Form(_FORMATS[spelt["format"]])
    kind, pattern = spelt.get("type"), spelt.get("pattern", "")
    if kind in _TYPES:
        return Form(_TYPES[kind])
    if _DIGEST in pattern:
        return Form.DIGEST
    return Form.TEXT if kind == "string" and (not pattern or _ID in pattern) else Form.CODE
