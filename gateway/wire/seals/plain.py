"""``plain``: nothing is sealed; TLS alone protects the message."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from gateway.wire.keys import KeyRing
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.settings import Settings


class PlainSeal:
    profile = "plain"

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:  # noqa: ARG002 - the protocol's shape
        return Sealed(plain.document, self._content_type)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:  # noqa: ARG002 - the protocol's shape
        return Plain(body)


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> PlainSeal:  # noqa: ARG001 - the builders' shape
    """Settings: ``content_type`` (application/json)."""
    settings = Settings("plain", config, frozenset({"content_type"}))
    return PlainSeal(settings.text("content_type", "application/json"))
