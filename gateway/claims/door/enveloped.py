"""Formats that a hospital sends in an envelope: signed, and encrypted beyond the connection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.kernel.errors import ConfigRefused, LianpeiError, SealRefused
from gateway.telemetry.logs import get_logger
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, Sealed, build_seal, weak_use
from gateway.wire.seals.weak import WeakUse

_log = get_logger("lianpei.door")


class Shut:
    """Stands for a seal that can't be built: the format is closed to this hospital, and its bills never come in clear instead."""

    profile = "shut"

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:  # noqa: ARG002 - a seal's shape
        raise self._closed()

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:  # noqa: ARG002 - a seal's shape
        raise self._closed()

    def _closed(self) -> SealRefused:
        return SealRefused("this format is closed to the caller", code="seal-shut", hint="Ask the gateway's operators.")


def hospital_seals(
    hospital: str, configs: Mapping[str, Mapping[str, Any]], keys: KeyRing, strict: bool
) -> dict[str, Seal]:
    """Format to what opens its bodies. A seal that is wrong shuts its format alone, unless ``strict``, where it raises."""
    found: dict[str, Seal] = {}
    for form, config in configs.items():
        try:
            found[form] = build_seal(config, keys)
        except LianpeiError as bad:
            if strict:
                raise
            _log.event("hospital-seal-refused", hospital=hospital, code=bad.error_code)
            found[form] = Shut()
    return found


@dataclass(frozen=True, slots=True)
class WeakEnvelope:
    """A hospital's format whose envelope stands under a dated exception."""

    hospital: str
    format: str
    use: WeakUse

    @property
    def name(self) -> str:
        return f"{self.hospital}:{self.format}"


def weak_envelopes(configs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[WeakEnvelope]:
    """Of seals' settings by hospital and format. One without its exception is shut, so that nothing weak is used there."""
    for hospital, formats in configs.items():
        for form, config in formats.items():
            try:
                use = weak_use(config)
            except ConfigRefused:
                continue
            if use is not None:
                yield WeakEnvelope(hospital, form, use)
