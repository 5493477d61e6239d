"""A unit of work: the rows that become durable together or not at all."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from gateway.store.errors import BadUnit
from gateway.store.rows import Row
from gateway.store.tables import Value


class Where(NamedTuple):
    """Conditions that all hold: ``(column, operator)`` pairs as the shape, the operands beside them."""

    terms: tuple[tuple[str, str], ...]
    operands: tuple[Value, ...]


class Step(msgspec.Struct, gc=False):
    """One row operation: its shape, and last its values, so that a store keeps one prepared statement per shape."""

    verb: str
    table: str
    columns: tuple[str, ...]
    """Columns written."""
    terms: tuple[tuple[str, str], ...]
    """Conditions on the rows that go, of a delete."""
    values: tuple[Value, ...]
    """Operands in the order of ``columns``, ``terms``, ``key`` and ``held``."""
    key: tuple[str, ...] = ()
    """Of an update: which row."""
    held: tuple[str, ...] = ()
    """Of an update: columns in which the writer expects to find what it knows."""


_OPERATORS = frozenset({"=", "<", "<=", ">", ">=", "!=", "in"})


def where(conditions: Mapping[str, Any]) -> Where:
    """Read ``{"insurer": "a", "next_at": ("<=", 5), "state": ("in", ["x", "y"])}``.

    A plain value means equal, ``None`` means that the row has no value there.
    """
    terms: list[tuple[str, str]] = []
    operands: list[Value] = []
    for column, wanted in conditions.items():
        operator, operand = wanted if isinstance(wanted, tuple) else ("=", wanted)
        if operator not in _OPERATORS:
            raise BadUnit("a condition's operator is one of =, <, <=, >, >=, !=, in")
        if operator == "in":
            terms.append((column, f"in{len(operand)}"))
            operands.extend(operand)
        elif operand is None:
            terms.append((column, _null_operator(operator)))
        else:
            terms.append((column, operator))
            operands.append(operand)
    return Where(tuple(terms), tuple(operands))


def _null_operator(operator: str) -> str:
    if operator == "=":
        return "null"
    if operator == "!=":
        return "some"
    raise BadUnit("no value can only be compared with = and !=")


class Unit:
    """Rows gathered by one piece of work, written by ``await store.commit(unit)`` in the order given."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def insert(self, table: str, /, **columns: Value) -> "Unit":
        """A new row. If one with the same key or unique value exists, the whole unit is refused with ``Duplicate``."""
        self.steps.append(Step("insert", table, tuple(columns), (), tuple(columns.values())))
        return self

    insert_new = insert
    """The same, spelt where a clash is an expected answer (an idempotency key, a nonce) and ``Duplicate`` is caught."""

    def add(self, row: Row) -> None:
        """``insert`` of a typed row."""
        self.steps.append(Step("insert", row.table, row.__struct_fields__, (), astuple(row)))

    def update(
        self, table: str, key: Mapping[str, Value], /, *, expect: Mapping[str, Value] | None = None, **changes: Value
    ) -> "Unit":
        """Change the one row with this whole key that also holds what ``expect`` says, else ``StaleWrite``."""
        self.change(table, key, changes, expect or {})
        return self

    def change(
        self, table: str, key: Mapping[str, Value], changes: Mapping[str, Value], expect: Mapping[str, Value]
    ) -> None:
        """``update`` with columns that were gathered before."""
        values = (*changes.values(), *key.values(), *expect.values())
        self.steps.append(Step("update", table, tuple(changes), (), values, tuple(key), tuple(expect)))

    def upsert(self, table: str, /, **columns: Value) -> "Unit":
        """A new row, or these columns put into the row that has the same key."""
        self.steps.append(Step("upsert", table, tuple(columns), (), tuple(columns.values())))
        return self

    def delete(self, table: str, conditions: Mapping[str, Any], /) -> "Unit":
        """Remove every row for which the conditions (see ``where``, at least one) hold; none is fine."""
        found = where(conditions)
        self.steps.append(Step("delete", table, (), found.terms, found.operands))
        return self

    def __len__(self) -> int:
        return len(self.steps)
