"""The seals of all partners: data in a partner's manifest becomes a ``Seal``."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import (
    aes_ecb,
    detached_text,
    encrypted_body,
    exact_bytes,
    jwe_compact,
    jwe_seal,
    jws_seal,
    plain,
    signed_field,
    signed_members,
    sm2_envelope,
    yibao_mobile,
)
from gateway.wire.seals.base import HeaderSeal, Plain, Role, Seal, Sealed, open_message
from gateway.wire.seals.overlap import overlapping, seal_names
from gateway.wire.seals.settings import day_of
from gateway.wire.seals.weak import WeakUse, held_to_its_date, weak_algorithms, weak_use
from gateway.wire.seals.xml import dsig_build, wsse

__all__ = [
    "PROFILES",
    "HeaderSeal",
    "Plain",
    "Role",
    "Seal",
    "Sealed",
    "WeakUse",
    "build_seal",
    "open_message",
    "weak_algorithms",
    "weak_use",
]

PROFILES: Mapping[str, Callable[[Mapping[str, Any], KeyRing, date], Seal]] = {
    "plain": plain.build,
    "aes-ecb-body": aes_ecb.build,
    "sm2-envelope": sm2_envelope.build,
    "detached-text": detached_text.build,
    "xml-dsig": dsig_build.build,
    "wsse-x509": wsse.build,
    "jwe-compact": jwe_compact.build,
    "exact-bytes": exact_bytes.build,
    "sorted-pairs": signed_members.build_pairs_seal,
    "sorted-json": signed_members.build_json_seal,
    "signed-field": signed_field.build,
    "yibao-mobile": yibao_mobile.build,
    "encrypted-body": encrypted_body.build,
    "jws": jws_seal.build,
    "jwe": jwe_seal.build,
}


def build_seal(config: Mapping[str, Any], keys: KeyRing, today: date | None = None) -> Seal:
    """Build one partner's seal from its manifest's ``seal`` section.

    ``today`` (the civil day in China) judges dated exceptions. Raises ``ConfigRefused`` for an unknown profile, an
    unknown or wrong setting, a key that is missing, of another kind or made for another purpose, or a weak profile without
    a running exception.
    """
    profile = config.get("profile")
    if not isinstance(profile, str) or profile not in PROFILES:
        raise ConfigRefused(
            "a seal names no known profile", code="seal-setting", hint=f"use one of {', '.join(PROFILES)}"
        )
    day = today or day_of(datetime.now(UTC))
    use = weak_use(config)

    def build(ring: KeyRing) -> Seal:
        seal = PROFILES[profile](config, ring, day)
        return seal if use is None else held_to_its_date(seal, use, day)

    return overlapping(build, seal_names(config, keys), keys)
