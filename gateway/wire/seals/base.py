"""What a seal is: the only place where a message becomes bytes that can be trusted, and back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec


class Role(StrEnum):
    """A partner may wrap requests and answers differently; the profile knows both, the message never chooses."""

    REQUEST = "request"
    ANSWER = "answer"


class Plain(msgspec.Struct, frozen=True):
    """A document in clear, with the readable headers that its envelope carries (JWE protected header …)."""

    document: bytes
    protected: Mapping[str, Any] = {}
    once: str = ""
    """A value that may be accepted only once (a signature, a call id); the caller records it and refuses a repeat."""
    utf8: bool = False
    """The document is surely UTF-8: who made it encoded it so."""


class Sealed(msgspec.Struct, frozen=True):
    """What goes over the wire."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = {}
    key_ids: tuple[str, ...] = ()


class Seal(Protocol):
    """One partner's signing and encryption, built once from configuration; it holds no per-message state."""

    @property
    def profile(self) -> str: ...

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        """Sign and encrypt. Raises ``ConfigRefused`` when the key may not be used."""
        ...

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        """Verify, decrypt and return exactly what was covered, never unverified bytes. Raises ``SealRefused``."""
        ...


class HeaderSeal(ABC):
    """A ``Seal`` whose signature may travel in HTTP headers. Only these ever see a header; to all others none can matter."""

    __slots__ = ()

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        """A message without headers."""
        return self.open_with(body, {}, role, now)

    @abstractmethod
    def open_with(self, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:
        """``Seal.open``, given the message's headers by lower-case name."""


def open_message(seal: Seal, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:
    """Open a message that came over HTTP; ``headers`` by lower-case name. Raises ``SealRefused``."""
    if isinstance(seal, HeaderSeal):
        return seal.open_with(body, headers, role, now)
    return seal.open(body, role, now)
