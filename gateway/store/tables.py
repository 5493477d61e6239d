"""Tables as data: the one declaration from which every store makes its own SQL.

Column types are the three that SQLite and PostgreSQL agree on, plus ``SERIAL``: a number the store gives, growing in
commit order and never given twice. Ids are text, times are epoch milliseconds (int), money is 分 (int).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from types import MappingProxyType

from gateway.store.errors import BadUnit

_NAME = re.compile(r"[a-z][a-z_]{0,39}")
_TAKEN = frozenset({"table", "expect", "self"})


class ColumnType(Enum):
    TEXT = "text"
    INT = "int"
    BLOB = "blob"
    SERIAL = "serial"


TEXT, INT, BLOB, SERIAL = ColumnType.TEXT, ColumnType.INT, ColumnType.BLOB, ColumnType.SERIAL

Value = str | int | bytes | None


@dataclass(frozen=True, eq=False)
class Table:
    """One table. Columns of the key and of a unique rule are never null, because a null would slip past the rule."""

    name: str
    columns: Mapping[str, ColumnType]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    sparse: tuple[str, ...] = ()
    """Columns with an index of only the rows that have a value there: a short list inside a long table."""
    numbers_stay: bool = False
    """A serial number is never given twice, not even when the newest row was deleted: for feeds that others read on from."""
    chained: tuple[str, ...] = ()
    """Columns whose values at insertion go into the hash chain (``chain``): never changed, and their row never deleted."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        for name in (self.name, *self.columns):
            if not _NAME.fullmatch(name) or name in _TAKEN:
                raise BadUnit("a table or column name is not plain lower case")
        for group in (self.key, *self.unique, *self.indexes, self.sparse, self.chained):
            self.require(group)
        if not self.key or (self.serial and self.key != (self.serial,)):
            raise BadUnit(f"{self.name}: a table has a key, and a serial column is the whole key")

    @cached_property
    def serial(self) -> str | None:
        return next((name for name, kind in self.columns.items() if kind is SERIAL), None)

    @cached_property
    def required(self) -> frozenset[str]:
        """Columns that an insert must bring."""
        return frozenset(self.key).union(*self.unique) - {self.serial or ""}

    @cached_property
    def never_null(self) -> frozenset[str]:
        return frozenset(self.key).union(*self.unique)

    def require(self, columns: tuple[str, ...]) -> None:
        """Raise ``BadUnit`` if a name is not a column of this table."""
        for name in columns:
            if name not in self.columns:
                raise BadUnit(f"{self.name}: no such column", fields=(name,))


@dataclass(frozen=True, eq=False)
class Schema:
    """The tables of one database. ``name`` is written into the file, so that no room opens another room's by mistake.

    A higher ``version`` may add tables, nullable columns and indexes; the file is brought forward when it is opened.
    """

    tables: tuple[Table, ...]
    version: int
    name: str
    oldest: int = 1
    """The oldest version whose file can be brought forward."""

    @cached_property
    def by_name(self) -> Mapping[str, Table]:
        return {table.name: table for table in self.tables}

    def table(self, name: str) -> Table:
        try:
            return self.by_name[name]
        except KeyError:
            raise BadUnit("no such table in this schema", fields=(name,)) from None
