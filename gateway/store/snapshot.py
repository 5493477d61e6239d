"""A database as it stood at one moment, read only: beside the process that writes it, or a copy of the file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import apsw

from gateway.kernel.errors import ConfigRefused
from gateway.store import files, sql
from gateway.store.api import Row
from gateway.store.errors import StoreFailed
from gateway.store.tables import Schema, Value
from gateway.store.unit import where as conditions


class Readable(Protocol):
    """What a store and a snapshot have in common (see ``api.AnyStore``)."""

    def get(self, table: str, /, **key: Value) -> Row | None: ...

    def find(
        self,
        table: str,
        where: Mapping[str, Any],
        order_by: str | None = None,
        limit: int = 100,
        after: tuple[Value, ...] | None = None,
    ) -> list[Row]: ...

    def count(self, table: str, where: Mapping[str, Any]) -> int: ...


class Snapshot:
    """Raises ``ConfigRefused`` (``store-path``) where there is no database, ``StoreFailed`` where it can't be read."""

    def __init__(self, path: Path, schema: Schema) -> None:
        if not path.is_file():
            raise ConfigRefused("there is no database at this path", code="store-path", hint="See claims.database.")
        self._schema = schema
        try:
            self._connection = files.open_reader(path)
        except apsw.Error as wrong:
            raise _unread() from wrong
        self._ask("BEGIN", ())

    def get(self, table: str, /, **key: Value) -> Row | None:
        found = self.find(table, key, limit=1)
        return found[0] if found else None

    def find(
        self,
        table: str,
        where: Mapping[str, Any],
        order_by: str | None = None,
        limit: int = 100,
        after: tuple[Value, ...] | None = None,
    ) -> list[Row]:
        declared, wanted = self._schema.table(table), conditions(where)
        statement = sql.select(declared, wanted.terms, order_by, after=after is not None)
        rows = self._ask(statement, (*wanted.operands, *(after or ()), limit))
        return [dict(zip(declared.columns, row, strict=True)) for row in rows]

    def count(self, table: str, where: Mapping[str, Any]) -> int:
        wanted = conditions(where)
        statement = sql.aggregate(self._schema.table(table), wanted.terms, None, None)
        return int(self._ask(statement, wanted.operands)[0][0])

    def close(self) -> None:
        self._connection.close()

    def _ask(self, statement: str, operands: tuple[Value, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, operands).fetchall()
        except apsw.Error as wrong:
            raise _unread() from wrong


def _unread() -> StoreFailed:
    return StoreFailed(
        "the database could not be read",
        hint="See the file's owner and mode and the disk; it may be damaged or of another version.",
    )
