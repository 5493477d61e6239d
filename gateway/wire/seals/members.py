"""A message as named members: a JSON object or a web form, read so that no two readers can see different members."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from gateway.kernel.errors import MessageRefused
from gateway.kernel.strictjson import MAX_BYTES, strict_json
from gateway.wire.seals import refusal

_WRITER = msgspec.json.Encoder(decimal_format="number")
_MOST_MEMBERS = 1000


class BodyForm(StrEnum):
    JSON = "json"
    FORM = "form"

    @property
    def content_type(self) -> str:
        if self is BodyForm.JSON:
            return "application/json;charset=utf-8"
        return "application/x-www-form-urlencoded;charset=utf-8"

    def write(self, members: Mapping[str, Any]) -> bytes:
        """Raises ``SealRefused`` (seal-form) for a nested value in a form."""
        if self is BodyForm.JSON:
            return _WRITER.encode(members)
        if any(isinstance(value, dict | list) for value in members.values()):
            raise refusal.form("a form carries plain values only")
        return urlencode({name: form_text(value) for name, value in members.items()}).encode()

    def read(self, body: bytes) -> dict[str, Any]:
        """Raises ``SealRefused``: seal-form for no such body, seal-ambiguous for a name said twice in a form."""
        return json_object(body) if self is BodyForm.JSON else _form(body)


def form_text(value: Any) -> str:
    """A plain value as it stands in a form."""
    return value if isinstance(value, str) else "" if value is None else _WRITER.encode(value).decode()


def json_value(data: bytes) -> Any:
    """Strict JSON. Raises ``SealRefused`` (seal-form) that says what is wrong, a key said twice among it."""
    try:
        return strict_json(data)
    except MessageRefused as bad:
        raise refusal.form(bad.message) from None


def json_object(data: bytes) -> dict[str, Any]:
    value = json_value(data)
    if not isinstance(value, dict):
        raise refusal.form("the body is no JSON object")
    return value


def json_bytes(value: Any) -> bytes:
    return _WRITER.encode(value)


def _form(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        raise refusal.form("the form is too large")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_MEMBERS,
        )
    except ValueError:
        raise refusal.form("the body is no web form in UTF-8") from None
    members = dict(pairs)
    if len(members) != len(pairs):
        raise refusal.ambiguous("the form says a name twice")
    return members
