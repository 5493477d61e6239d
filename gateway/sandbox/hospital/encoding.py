"""JSON whose exact decimals are numbers: 430.00 leaves as ``430.00`` and never passes through a binary float."""

from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def to_json(body: dict[str, Any]) -> bytes:
    return _ENCODER.encode(body)
