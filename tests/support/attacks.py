"""What an attack document is: an honest message, how it was forged, and why it is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, Sealed, open_message

from .seal_ends import both_ends, lower


@dataclass(frozen=True)
class Scene:
    """The gateway's seal, the honest insurer's, and every key (an attacker uses only what is public)."""

    ring: KeyRing
    ours: Seal
    insurer: Seal
    now: datetime

    def honest(self, document: bytes, now: datetime | None = None) -> Sealed:
        return self.insurer.seal(Plain(document), Role.REQUEST, now or self.now)


@dataclass(frozen=True)
class Attack:
    what: str
    agreement: str | Mapping[str, Any]
    forge: Callable[[Scene], Sealed]
    code: str
    says: str
    """Words of the refusal: the reason, not only the family."""


def carried_out(attack: Attack, ring: KeyRing, now: datetime) -> SealRefused:
    """The refusal that the attack meets. Raises ``AssertionError`` when it meets none."""
    ours, insurer = both_ends(ring, attack.agreement)
    forged = attack.forge(Scene(ring, ours, insurer, now))
    try:
        open_message(ours, forged.body, lower(forged.headers), Role.REQUEST, now)
    except SealRefused as refused:
        return refused
    raise AssertionError(f"believed: {attack.what}")
