"""What the interpreter passes around: a value with the path it was read from and everything it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET

from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.documents import dtext, jall, jget, xall, xget, xone
from gateway.mapping.tables import Table


class Written(str):
    """Digits made by ``yuan_number`` or ``number``: a JSON number, not a JSON string."""

    __slots__ = ()


class Yuan(str):
    """An amount in 元 as text."""

    __slots__ = ()


class WrittenYuan(Written, Yuan):
    """An amount in 元 as a JSON number."""

    __slots__ = ()


class Fen(int):
    """An amount in 分 as it stands in the source."""

    __slots__ = ()


def fen_of(value: Any) -> int | None:
    """The amount of a value in 分; None for what is no amount."""
    if isinstance(value, Yuan):
        return int(value.replace(".", ""))
    return int(value) if isinstance(value, Fen) else None


@dataclass(frozen=True, slots=True)
class Doc:
    """A value of a document that is read: JSON data, an XML element or the bytes of an inner document."""

    kind: str
    value: Any
    parent: Any = None
    name: str = ""
    """An XML step keeps where it came from, because all children of that name are its list form."""

    def step(self, name: str) -> "Doc":
        if self.kind == "xml":
            return Doc("xml", xget(self.value, name), self.value, name)
        return Doc(self.kind, jget(self.value, name))

    def items(self) -> "list[Doc]":
        found = (xall(self.parent, self.name) if self.name else xone(self.value)) if self.kind == "xml" else None
        return [Doc(self.kind, item) for item in (jall(self.value) if found is None else found)]

    def alone(self) -> "Doc":
        return Doc(self.kind, self.value)


@dataclass(frozen=True, slots=True)
class Got:
    """A value, its path when it is one, and the paths that it rests on."""

    value: Any
    path: str = ""
    reads: tuple[str, ...] = ()

    @property
    def absent(self) -> bool:
        return raw(self.value) is UNSET

    def made(self, value: Any) -> "Got":
        """Another value that rests on the same paths."""
        return Got(value, "", self.reads)

    def below(self, value: Any, step: str) -> "Got":
        """One step further: the longer path takes the place of the shorter one."""
        path = f"{self.path}{step}".lstrip(".") if self.path else ""
        before = tuple(read for read in self.reads if read != self.path)
        return Got(value, path, (*before, path) if path else self.reads)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one key, as ``groups`` gives them."""

    key: Got
    rows: list[Got]


NOTHING = Got(UNSET)


def raw(value: Any) -> Any:
    return value.value if isinstance(value, Doc) else value


def as_text(value: Any) -> Any:
    """A document value read as text; other values as they are. Raises ``RefusalError`` for an object or array."""
    return dtext(value.value) if isinstance(value, Doc) else value


def all_reads(parts: Iterable[Got]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(read for part in parts for read in part.reads))


def items_of(listed: Got, *, apart: bool) -> list[Got]:
    """The items of a list; ``apart`` gives each its own index, otherwise they share one path (``lines[]``)."""
    values: Sequence[Any] = ()
    if isinstance(listed.value, Doc):
        values = listed.value.items()
    elif listed.value is not UNSET:
        values = listed.value
    if values and isinstance(values[0], Got):
        return list(values)
    return [listed.below(item, f"[{index}]" if apart else "[]") for index, item in enumerate(values)]


@dataclass(frozen=True, slots=True)
class World:
    """What stays the same in one message: tables, the partner's constants, the answer's status and headers."""

    tables: Mapping[str, Table]
    partner: Mapping[str, str]
    status: int = 200
    protected: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The names that an expression may use where it stands."""

    values: Mapping[str, Got]
    world: World
    lenient: bool = False
    """In a ``?`` key, where absence passes through a table instead of taking its ``else``."""

    def having(self, **values: Got) -> "Names":
        return replace(self, values={**self.values, **values})

    def leaning(self, lenient: bool) -> "Names":
        return replace(self, lenient=lenient)


def needed(value: Any) -> Any:
    """A value that must be there. Raises ``RefusalError``."""
    if raw(value) is UNSET:
        raise RefusalError("the value is absent")
    return value
