"""What every store promises, whichever database is under it.

Rooms type against ``AnyStore``; ``tests/contract/test_store*.py`` holds every store to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

from gateway.store.tables import Value
from gateway.store.unit import Unit

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")

Row = dict[str, Any]
"""One row by column name: text as str, numbers as int, blobs as bytes, nothing as None."""


class Read(Protocol):
    """``AnyStore.read`` by itself."""

    async def __call__(
        self, ask: Callable[_Asked, _Answer], /, *asked: _Asked.args, **named: _Asked.kwargs
    ) -> _Answer: ...


@dataclass(frozen=True, slots=True)
class Tally:
    count: int
    total: int


@dataclass(slots=True)
class Counters:
    """``units`` committed in ``groups`` transactions: groups far below units shows that group commit works."""

    units: int = 0
    groups: int = 0
    refused: int = 0
    failed_groups: int = 0


class AnyStore(Protocol):
    @property
    def ready(self) -> bool:
        """False while the last write failed: the gateway is alive and must not take new work."""
        ...

    @property
    def counters(self) -> Counters: ...

    async def commit(self, unit: Unit) -> None:
        """Return when the whole unit is on disk (fsync done).

        Raises ``Duplicate`` or ``StaleWrite`` (nothing of this unit was kept, other units are untouched), ``BadUnit``,
        ``Busy`` (the queue is full: nothing was accepted) or ``StoreFailed``. A caller that is cancelled while it waits
        does not withdraw the unit.
        """
        ...

    async def read(self, ask: Callable[_Asked, _Answer], /, *asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
        """What ``ask(*asked, **named)`` returns; inside it any number of the questions below, about one moment.

        ``ask`` runs where its waiting stops nobody: at once on a file in this process, in another thread before a
        database elsewhere. So it only asks and computes. Sees every acknowledged unit of every process.
        """
        ...

    def get(self, table: str, /, **key: Value) -> Row | None:
        """The row with this whole key or unique value.

        Of a database elsewhere this and the other questions may only be put inside ``read``, else ``BadUnit``.
        """
        ...

    def find(
        self,
        table: str,
        where: Mapping[str, Any],
        order_by: str | None = None,
        limit: int = 100,
        after: tuple[Value, ...] | None = None,
    ) -> list[Row]:
        """Rows for which all conditions hold (see ``unit.where``), at most 10 000.

        Ordered by ``order_by`` (``"-col"``: descending) and then the key. ``after`` is the position of the last row
        already seen: ``(its order_by value, *the rest of its key)``, or just its key when the order is the key.
        Rows with no value in the order column are left out.
        """
        ...

    def count(self, table: str, where: Mapping[str, Any]) -> int: ...

    def sum(self, table: str, column: str, where: Mapping[str, Any]) -> int:
        """Sum of an int column, 0 for no rows."""
        ...

    def tally(self, table: str, by: str, where: Mapping[str, Any], total: str | None = None) -> dict[Any, Tally]:
        """Count, and sum of ``total`` when named, for each value of ``by``."""
        ...

    async def checkpoint(self) -> None:
        """Bring the main file up to date, so that a copy of it alone is whole."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then let the database go. Safe to call twice."""
        ...
