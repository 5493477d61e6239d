"""What the mapping room offers: folders in, compiled acts out. It knows types, not partners and not claims."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

DAYS: Mapping[str, str] = {
    "submitted_at": "claim.created_at",
    "admitted_at": "visit.begin_at",
    "discharged_at": "visit.end_at",
}


@dataclass(frozen=True, slots=True)
class Pin:
    """Which mapping made a message; stored with it, so that a retry and an answer use the same one."""

    name: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The typed ends of a mapping: msgspec Struct types whose leaves carry labels (``x-label``)."""

    source: type | None
    """Root type that a request may read; None when the mapping only reads documents."""
    result: type | None
    """Type that an answer, a callback or a hospital mapping must produce."""
    may_carry: frozenset[str]
    """Labels that the channel may carry: a flow of any other label does not load."""
    days: Mapping[str, str] = field(default_factory=lambda: DAYS)
    """Path in the source of each moment that ``effective: {by: …}`` may name."""


class Outgoing(msgspec.Struct, frozen=True):
    """A request ready to be sealed."""

    document: bytes
    content_type: str
    method: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    protected: Mapping[str, Any] = {}
    correlation: str = ""
    status: int = 200
    """HTTP status of a callback's reply (`reply.status`); a request has none."""
    pin: Pin | None = None
    """The mapping and version that made a request."""
    gzip: bool = False
    """The sealed body goes packed, the last thing before the wire."""
    utf8: bool = False
    """The document was encoded as UTF-8 here."""
    act: "CompiledAct | None" = None
    """What made it: the answer to a request is read by the very version that wrote it."""


class Incoming(msgspec.Struct, frozen=True):
    """An opened answer or callback."""

    document: bytes
    http_status: int = 200
    protected: Mapping[str, Any] = {}


class CompiledAct(Protocol):
    """One mapping file, checked and compiled."""

    @property
    def pin(self) -> Pin: ...

    @property
    def callback_path(self) -> str:
        """Path below the partner's callback door, or empty."""
        ...

    def every(self) -> "tuple[CompiledAct, ...]":
        """Each version by itself."""
        ...

    def pinned(self, pin: Pin) -> "CompiledAct":
        """The very mapping that a message was made with, where it is still here; else the one in force."""
        ...

    def write(self, source: Any) -> Outgoing:
        """Source struct to bytes, then held against the target schema. Raises ``MappingFailed`` (names, no values)."""
        ...

    def read(self, incoming: Incoming, sent: Any = None) -> dict[str, Any]:
        """Answer to plain data of the result type. Raises ``MessageRefused`` when it is not the promised shape."""
        ...

    def read_callback(self, incoming: Incoming) -> dict[str, Any]: ...

    def write_reply(self, incoming: Incoming) -> Outgoing:
        """The fixed reply that acknowledges a callback."""
        ...


class Loader(Protocol):
    def __call__(
        self, folder: Path, schemas: Path, vocabulary: Vocabulary, partner: Mapping[str, str], refs: frozenset[str]
    ) -> Mapping[str, CompiledAct]:
        """Load every mapping of a folder by act name. Raises ``MappingRefused`` listing every mistake."""
        ...
