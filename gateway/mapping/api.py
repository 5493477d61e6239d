"""What the mapping room offers: folders in, compiled acts out. It knows types, not partners and not claims."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The typed ends of a mapping: msgspec Struct types whose leaves carry labels (``x-label``)."""

    source: type | None
    """Root type that a request may read; None when the mapping only reads documents."""
    result: type | None
    """Type that an answer, a callback or a hospital mapping must produce."""
    may_carry: frozenset[str]
    """Labels that the channel may carry: a flow of any other label does not load."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request ready to be sealed."""

    document: bytes
    content_type: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    protected: Mapping[str, Any] = field(default_factory=dict)
    correlation: str = ""
    status: int = 200
    """HTTP status of a callback's reply (`reply.status`); a request has none."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An opened answer or callback."""

    document: bytes
    http_status: int = 200
    protected: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pin:
    """Which mapping made a message; stored with it, so that a retry and an answer use the same one."""

    name: str
    version: int
    digest: str


class CompiledAct(Protocol):
    """One mapping file, checked and compiled."""

    pin: Pin
    callback_path: str
    """Path below the partner's callback door, or empty."""

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
