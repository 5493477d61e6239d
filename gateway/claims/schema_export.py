"""The canonical model as JSON Schema 2020-12, generated from the structs that decode it, so the two can't differ."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.claims.canonical import MODEL_VERSION
from gateway.claims.canonical.claim import Claim, Decision, Payout, Reversal, SettlementOrder, Submission
from gateway.claims.canonical.dispatch import ActResult, Dispatch

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ID_BASE = f"urn:lianpei:canonical:v{MODEL_VERSION}:"

DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?(?!\n)$"
"""How a decimal is written as text. As a JSON number it is read digit by digit too, never as a binary float."""

ROOTS: dict[str, type] = {
    "submission": Submission,
    "claim": Claim,
    "decision": Decision,
    "settlement-order": SettlementOrder,
    "payout": Payout,
    "reversal": Reversal,
    "dispatch": Dispatch,
    "act-result": ActResult,
}
"""Published file name (without ``.schema.json``) to root struct."""


def published_schema(name: str) -> dict[str, Any]:
    """The schema of one root with ``$id`` and, on each leaf, ``x-label``, ``x-zh`` and ``x-yibao``."""
    made = msgspec.json.schema(ROOTS[name])
    tell_decimals(made["$defs"])
    return {"$schema": DRAFT, "$id": f"{ID_BASE}{name}", "$ref": made["$ref"], "$defs": made["$defs"]}


def tell_decimals(definitions: Mapping[str, Any]) -> None:
    """Write into schemas how decimals are spelt: the library that makes them tells of a text without a form."""
    for definition in definitions.values():
        for spelt in definition.get("properties", {}).values():
            if spelt.get("format") == "decimal":
                spelt |= {"type": ["string", "number"], "pattern": DECIMAL}


def schema_text(name: str) -> str:
    """The file's exact text."""
    return json.dumps(published_schema(name), ensure_ascii=False, indent=1) + "\n"


def write_schemas(directory: Path) -> list[Path]:
    """Write one ``<name>.schema.json`` per root. Returns the paths; existing files are replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name in ROOTS:
        path = directory / f"{name}.schema.json"
        path.write_text(schema_text(name), encoding="utf-8")
        written.append(path)
    return written


def leaves(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(``Struct.field``, its schema) of every leaf: a field that holds no object, or a list or map of plain values."""
    for owner, definition in schema["$defs"].items():
        for field, spelt in definition.get("properties", {}).items():
            if not _holds_objects(schema, spelt):
                yield f"{owner}.{field}", spelt


def _holds_objects(schema: Mapping[str, Any], spelt: Mapping[str, Any]) -> bool:
    if "$ref" in spelt:
        return "properties" in schema["$defs"][spelt["$ref"].rpartition("/")[2]]
    items = spelt.get("items")
    return isinstance(items, dict) and _holds_objects(schema, items)
