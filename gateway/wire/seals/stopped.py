"""Stands in for the seal of a partner whose certificates do not count any more, until they do."""

from collections.abc import Mapping
from datetime import datetime

from gateway.kernel.errors import ConfigRefused
from gateway.wire.seals import refusal
from gateway.wire.seals.base import HeaderSeal, Plain, Role, Sealed


class StoppedSeal(HeaderSeal):
    """Seals nothing, for the reason that stopped it, and believes nothing."""

    __slots__ = ("_reason", "profile")

    def __init__(self, profile: str, reason: ConfigRefused) -> None:
        self.profile = profile
        self._reason = reason

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:  # noqa: ARG002 - a seal's shape
        raise ConfigRefused(self._reason.message, code=self._reason.error_code, hint=self._reason.hint)

    def open_with(self, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:  # noqa: ARG002
        raise refusal.untrusted("the partner's certificates do not count any more")
