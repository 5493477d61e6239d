"""The payment room's own structs as JSON Schema 2020-12, beside the channel's message schemas in schemas/payment."""

import json
from pathlib import Path

import msgspec

from gateway.payment.model import ChannelAnswer, ChannelOrder, OrderTaken, PaymentOrder, Receipt

DRAFT = "https://json-schema.org/draft/2020-12/schema"

ROOTS: dict[str, type] = {
    "order": PaymentOrder,
    "order-taken": OrderTaken,
    "receipt": Receipt,
    "channel-order": ChannelOrder,
    "channel-answer": ChannelAnswer,
}
"""Published file name (without ``.schema.json``) to root struct."""


def schema_text(name: str) -> str:
    """The file's exact text, with ``$id`` and the leaves' ``x-label`` and ``x-zh``."""
    made = msgspec.json.schema(ROOTS[name])
    whole = {"$schema": DRAFT, "$id": f"urn:lianpei:payment:v1:{name}", "$ref": made["$ref"], "$defs": made["$defs"]}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def write_schemas(directory: Path) -> list[Path]:
    """Write one ``<name>.schema.json`` per root. Returns the paths; existing files are replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    written = [directory / f"{name}.schema.json" for name in ROOTS]
    for name, path in zip(ROOTS, written, strict=True):
        path.write_text(schema_text(name), encoding="utf-8")
    return written
