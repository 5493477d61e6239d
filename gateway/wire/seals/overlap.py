"""Old and new keys at once: a message may be opened by any key that counts on its day; we seal with the one in use alone.

Which keys count stands in ``rotation.toml``. The seal is built once per choice of keys, so no profile knows of rotation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.purpose import Purpose, require_purpose
from gateway.wire.rotation import Accepted
from gateway.wire.seals.base import HeaderSeal, Plain, Role, Seal, Sealed, open_message
from gateway.wire.seals.settings import day_of

_PEER = "peer"
MOST_CHOICES = 9
"""Three keys at each end. More would let a forged message cost more and more work."""

_OTHER_KEY = frozenset({"seal-bad-signature", "seal-untrusted-key", "seal-decrypt"})
"""Refusals that another key may answer. Every other one is about the message itself and stands at once."""


@dataclass(frozen=True, slots=True)
class _Other:
    seal: Seal
    keys: tuple[Accepted, ...]

    def counts(self, now: datetime) -> bool:
        return all(one.counts(day_of(now)) for one in self.keys)


class OverlapSeal:
    """One partner's seal while at least one of its keys is being exchanged."""

    def __init__(self, current: Seal, others: Sequence[_Other]) -> None:
        self.profile = current.profile
        self._current = current
        self._others = others

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        return self._current.seal(plain, role, now)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        return self._first(lambda seal: seal.open(body, role, now), now)

    def _first(self, opened: Callable[[Seal], Plain], now: datetime) -> Plain:
        """By the keys in use first. What none opens is refused for the reason that the keys in use gave."""
        try:
            return opened(self._current)
        except SealRefused as refused:
            if refused.error_code not in _OTHER_KEY:
                raise
            for other in self._others:
                if other.counts(now):
                    with suppress(SealRefused):
                        return opened(other.seal)
            raise


class HeaderOverlapSeal(OverlapSeal, HeaderSeal):
    """The same for a seal whose signature may travel in headers."""

    def open_with(self, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:
        return self._first(lambda seal: open_message(seal, body, headers, role, now), now)


def overlapping(build: Callable[[KeyRing], Seal], roles: Sequence[str], keys: KeyRing) -> Seal:
    """The seal itself, or with overlapping keys one that also opens by them. Raises ``ConfigRefused``."""
    for role in roles:
        _require_purpose(role, keys)
    choices = list(_choices(roles, keys))
    if len(choices) > MOST_CHOICES:
        raise ConfigRefused(
            "too many keys of one partner count at once",
            code="rotation-form",
            hint=f"keep at most {MOST_CHOICES} combinations: let keys that nobody uses any more end",
        )
    current = build(keys)
    if len(choices) == 1:
        return current
    others = [
        _Other(build(keys.using({role: one.name for role, one in choice.items()})), tuple(choice.values()))
        for choice in choices
        if choice
    ]
    kind = HeaderOverlapSeal if isinstance(current, HeaderSeal) else OverlapSeal
    return kind(current, others)


def seal_names(config: Mapping[str, Any], keys: KeyRing) -> list[str]:
    """Every text of a seal's settings that names a key of the ring: ours, then the partner's."""
    return own_names(config, keys) + peer_names(config, keys)


def own_names(config: Mapping[str, Any], keys: KeyRing) -> list[str]:
    """Ours: named by settings that do not begin with ``peer``, at any depth."""
    return _known([text for text, of_peer in _texts(config, of_peer=False) if not of_peer], keys)


def peer_names(config: Mapping[str, Any], keys: KeyRing) -> list[str]:
    """The partner's: named by settings that begin with ``peer``, at any depth."""
    return _known([text for text, of_peer in _texts(config, of_peer=False) if of_peer], keys)


def _known(texts: Sequence[str], keys: KeyRing) -> list[str]:
    known = {*keys.names(), *keys.roles, *keys.refusals}
    return list(dict.fromkeys(text for text in texts if text in known))


def _texts(value: object, *, of_peer: bool) -> Iterator[tuple[str, bool]]:
    """Each text, and whether it stands under a setting of the partner's."""
    if isinstance(value, str):
        yield value, of_peer
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, of_peer=of_peer or str(name).startswith(_PEER))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, of_peer=of_peer)


def _choices(roles: Sequence[str], keys: KeyRing) -> Iterator[dict[str, Accepted]]:
    """Each role by its key in use or by one that counts beside it; an empty choice is the keys in use."""
    beside: list[list[tuple[str, Accepted | None]]] = [
        [(role, None), *((role, one) for one in keys.accepted(role))] for role in roles
    ]
    for chosen in product(*beside):
        yield {role: one for role, one in chosen if one is not None}


def _require_purpose(role: str, keys: KeyRing) -> None:
    name = keys.name_of(role)
    entry = keys.entries.get(name)
    if entry is not None and entry.certificate is not None and name not in keys.refusals:
        require_purpose(name, entry.certificate, Purpose.SEAL)
