"""The four things that can be known after trying to send an act. There is no fifth, and "failed" is not one of them."""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """The peer answered and the answer was understood."""

    value: T


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer answered no. A refusal is an answer: final for this act, never retried."""

    code: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte left us: the same act may be sent again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A byte may have left us and no usable answer came back: ask by our own act id, never send again as new."""

    reason: str


Outcome: TypeAlias = Answered[T] | Refused | NotSent | Unknown
