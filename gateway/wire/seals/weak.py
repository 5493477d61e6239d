"""Weak legacy algorithms: which settings name one, and the dated exception without which none loads.

One table serves the loader, ``lianpei check`` and the metric, so that none of them can forget an algorithm. ECB shows equal
blocks and CBC can be changed unseen; MD5 and SHA-1 collide; 3DES is worn out; RSA1_5 answers padding questions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.wire.seals.base import HeaderSeal, Plain, Role, Seal, Sealed, open_message
from gateway.wire.seals.settings import Settings, WeakUntil, day_of

LABELS: Mapping[str, tuple[str, ...]] = {
    "aes-ecb-body": ("ECB",),
    "aes-ecb": ("ECB",),
    "sm4-ecb": ("ECB",),
    "3des-ecb": ("3DES", "ECB"),
    "3des-cbc": ("3DES", "CBC"),
    "aes-cbc": ("CBC",),
    "sm4-cbc": ("CBC",),
    "md5": ("MD5",),
    "hmac-md5": ("MD5",),
    "sha1": ("SHA-1",),
    "hmac-sha1": ("SHA-1",),
    "rsa-sha1": ("SHA-1",),
    "ecdsa-sha1": ("SHA-1",),
    "aes128-cbc": ("CBC",),
    "aes192-cbc": ("CBC",),
    "aes256-cbc": ("CBC",),
    "tripledes-cbc": ("3DES", "CBC"),
    "rsa-1_5": ("RSA1_5",),
    "rsa1_5": ("RSA1_5",),
    "RSA1_5": ("RSA1_5",),
}
"""The value of a seal's setting to what is weak about it."""
ALGORITHMS = tuple(sorted({label for labels in LABELS.values() for label in labels}))
_DEFAULTS = {"yibao-mobile": {"cipher": "sm4-ecb"}}
"""Profiles whose usual form is weak although no setting says so."""
NAMES_KEYS = frozenset({"own_key", "peer_key", "key", "iv_key", "secret"})
"""Settings whose value is the name of a key, whatever the name says; no profile reads an algorithm there (a test checks)."""


def weak_algorithms(config: Mapping[str, Any]) -> tuple[str, ...]:
    """What is weak in a manifest's ``seal`` section, sorted; empty for a sound one."""
    whole = {**_DEFAULTS.get(str(config.get("profile")), {}), **config}
    return tuple(sorted({label for value in _values(whole) for label in LABELS.get(value, ())}))


def _values(config: Mapping[str, Any]) -> Iterator[str]:
    for name, value in config.items():
        if name != "exception" and name not in NAMES_KEYS:
            yield from _texts(value)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _values(value)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


@dataclass(frozen=True, slots=True)
class WeakUse:
    """One partner's weak algorithms and the day on which they stop."""

    algorithms: tuple[str, ...]
    until: date
    reason: str

    def days_left(self, today: date) -> int:
        """0 on the last day, negative afterwards."""
        return (self.until - today).days

    def told(self, today: date) -> dict[str, Any]:
        """As operators are shown it. ``exception`` is what the settings say."""
        exception = {"until": self.until.isoformat(), "reason": self.reason}
        return {"algorithms": self.algorithms, "days_left": self.days_left(today), "exception": exception}


def weak_use(config: Mapping[str, Any]) -> WeakUse | None:
    """The exception of a ``seal`` section, or nothing where none is needed. Raises ``ConfigRefused`` when it is missing."""
    found = weak_algorithms(config)
    if not found:
        return None
    until, reason = Settings(str(config.get("profile")), config, frozenset(map(str, config))).dated_exception()
    return WeakUse(found, until, reason)


class DatedSeal(HeaderSeal):
    """A seal that stops on the day after its exception, in a process that runs over the date too."""

    __slots__ = ("_seal", "_weak", "profile")

    def __init__(self, seal: Seal, weak: WeakUntil) -> None:
        self.profile = seal.profile
        self._seal = seal
        self._weak = weak

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        self._weak.require(day_of(now))
        return self._seal.seal(plain, role, now)

    def open_with(self, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:
        self._weak.require(day_of(now))
        return open_message(self._seal, body, headers, role, now)


def held_to_its_date(seal: Seal, use: WeakUse, today: date) -> Seal:
    """Raises ``ConfigRefused`` (weak-seal-expired) when the last day is over already."""
    weak = WeakUntil(seal.profile, use.until)
    weak.require(today)
    return DatedSeal(seal, weak)
