"""JSON Schemas of the files of a partner folder, for editors: from the same tables and structs that read them."""

import json
from pathlib import Path
from typing import Any

import msgspec

from gateway.app import HOSPITAL_VOCABULARY, INSURER_VOCABULARY
from gateway.claims.partners.manifest import Fault, Manifest
from gateway.mapping.fileformat import DRAFT, INHERIT, mapping_schema
from gateway.payment.room import VOCABULARY as PAYMENT_VOCABULARY

_RESULTS = (INSURER_VOCABULARY.result, HOSPITAL_VOCABULARY.result, PAYMENT_VOCABULARY.result)


def format_schemas() -> dict[str, dict[str, Any]]:
    """File name to schema: the mapping file, ``insurer.yaml`` and ``faults.yaml``."""
    return {
        "mapping.schema.json": mapping_schema(type_ for type_ in _RESULTS if type_ is not None),
        "insurer.schema.json": _of("insurer", Manifest),
        "faults.schema.json": _of("faults", dict[str, Fault]),
    }


def write_format_schemas(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, schema in format_schemas().items():
        (directory / name).write_text(schema_text(schema), "utf-8")


def schema_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def _of(name: str, type_: Any) -> dict[str, Any]:
    made = _for_yaml(msgspec.json.schema(type_))
    manifest = made["$defs"].get("Manifest")
    if manifest is not None and "extends" in manifest["properties"]:
        # A folder that extends another says only what differs.
        manifest |= {"if": {"not": {"required": ["extends"]}}, "then": {"required": manifest.pop("required")}}
    return {"$schema": DRAFT, "$id": f"urn:lianpei:tools:{name}", **made}


def _for_yaml(schema: Any) -> Any:
    """Every scalar of these files is text to us: an unquoted 01 or true is taken as it is written, a number may be quoted."""
    if isinstance(schema, list):
        return [_for_yaml(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _for_yaml(inner) for key, inner in schema.items()}
    if made.get("type") == "object":
        # A folder that extends another may leave out, rename and order what it has from there.
        made["properties"] = {**made.get("properties", {}), **INHERIT}
    if made.get("type") == "string" and "enum" not in made:
        made["type"] = ["string", "number", "boolean"]
    elif made.get("type") == "integer":
        limits = {key: made[key] for key in ("minimum", "maximum") if key in made}
        made |= {"type": ["integer", "string"], "pattern": "^[0-9]+$", **limits}
    return made
