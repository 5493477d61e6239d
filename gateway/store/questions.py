"""Questions judged and spelt once per shape, whichever database answers them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from gateway.store import sql
from gateway.store.api import Row, Tally
from gateway.store.errors import BadUnit
from gateway.store.tables import Schema, Table, Value
from gateway.store.unit import Step, where

_MAX_ROWS = 10_000


class Questions(ABC):
    """The reading half of ``api.AnyStore``. Who inherits it says how a statement is put to its database."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._questions: dict[tuple[object, ...], tuple[str, tuple[str, ...]]] = {}

    @abstractmethod
    def _read(self, statement: str, operands: tuple[Value, ...]) -> list[tuple[Any, ...]]:
        """All rows of one statement. Raises ``StoreFailed``."""

    def _dialect(self, statement: str) -> str:
        """The statement in this database's words; ``sql`` speaks SQLite's."""
        return statement

    def get(self, table: str, /, **key: Value) -> Row | None:
        statement, names = self._question(("get", table, tuple(key)))
        found = self._read(statement, tuple(key.values()))
        return dict(zip(names, found[0], strict=True)) if found else None

    def _question(self, shape: tuple[Any, ...]) -> tuple[str, tuple[str, ...]]:
        """SQL and column names of a shape of question."""
        known = self._questions.get(shape)
        if known is None:
            if len(self._questions) >= sql.MAX_SHAPES:
                self._questions.clear()
            table = self._schema.table(shape[1])
            known = self._questions[shape] = self._dialect(_spell(table, shape)), tuple(table.columns)
        return known

    def find(
        self,
        table: str,
        where: Mapping[str, Any],
        order_by: str | None = None,
        limit: int = 100,
        after: tuple[Value, ...] | None = None,
    ) -> list[Row]:
        terms, operands = self._conditions(table, where)
        statement, names = self._question(("find", table, terms, order_by, after is not None))
        if not 0 <= limit <= _MAX_ROWS:
            raise BadUnit(f"{table}: a page has at most 10 000 rows")
        if after is not None and len(after) != len(sql.order(self._schema.table(table), order_by)[0]):
            raise BadUnit(f"{table}: a position is the order column's value and then the whole key")
        rows = self._read(statement, (*operands, *(after or ()), limit))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def count(self, table: str, where: Mapping[str, Any]) -> int:
        return self._total(table, where, None).count

    def sum(self, table: str, column: str, where: Mapping[str, Any]) -> int:
        return self._total(table, where, column).total

    def _total(self, table: str, where: Mapping[str, Any], column: str | None) -> Tally:
        terms, operands = self._conditions(table, where)
        statement, _ = self._question(("aggregate", table, terms, None, column))
        return Tally(*self._read(statement, operands)[0])

    def tally(self, table: str, by: str, where: Mapping[str, Any], total: str | None = None) -> dict[Any, Tally]:
        terms, operands = self._conditions(table, where)
        statement, _ = self._question(("aggregate", table, terms, by, total))
        return {row[0]: Tally(row[1], row[2]) for row in self._read(statement, operands)}

    def _conditions(
        self, table: str, wanted: Mapping[str, Any]
    ) -> tuple[tuple[tuple[str, str], ...], tuple[Value, ...]]:
        found = where(wanted)
        sql.check_values(self._schema.table(table), Step("find", table, (), found.terms, found.operands))
        return found


def _spell(table: Table, shape: tuple[Any, ...]) -> str:
    if shape[0] == "get":
        if set(shape[2]) not in [set(group) for group in (table.key, *table.unique)]:
            raise BadUnit(f"{table.name}: a row is got by its whole key or by a whole unique rule", fields=table.key)
        return sql.select(table, tuple((name, "=") for name in shape[2]), None, after=False).replace(
            "LIMIT ?", "LIMIT 1"
        )
    if shape[0] == "find":
        return sql.select(table, shape[2], shape[3], after=shape[4])
    return sql.aggregate(table, shape[2], shape[3], shape[4])
