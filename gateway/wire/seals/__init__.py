"""The seals of all partners: data in a partner's manifest becomes a ``Seal``."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import aes_ecb, detached_text, jwe_compact, plain, sm2_envelope
from gateway.wire.seals.base import Plain, Role, Seal, Sealed
from gateway.wire.seals.settings import day_of
from gateway.wire.seals.xml import dsig_build, wsse

__all__ = ["PROFILES", "Plain", "Role", "Seal", "Sealed", "build_seal"]

PROFILES: Mapping[str, Callable[[Mapping[str, Any], KeyRing, date], Seal]] = {
    "plain": plain.build,
    "aes-ecb-body": aes_ecb.build,
    "sm2-envelope": sm2_envelope.build,
    "detached-text": detached_text.build,
    "xml-dsig": dsig_build.build,
    "wsse-x509": wsse.build,
    "jwe-compact": jwe_compact.build,
}


def build_seal(config: Mapping[str, Any], keys: KeyRing, today: date | None = None) -> Seal:
    """Build one partner's seal from its manifest's ``seal`` section.

    ``today`` (the civil day in China) judges dated exceptions. Raises ``ConfigRefused`` for an unknown profile, an
    unknown or wrong setting, a key that is missing or of another kind, or a weak profile without a running exception.
    """
    profile = config.get("profile")
    if not isinstance(profile, str) or profile not in PROFILES:
        raise ConfigRefused(
            "a seal names no known profile", code="seal-setting", hint=f"use one of {', '.join(PROFILES)}"
        )
    return PROFILES[profile](config, keys, today or day_of(datetime.now(UTC)))
