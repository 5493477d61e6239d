"""SQLite's words for tables, units and questions.

Every name comes from a ``Table``; every value is bound, never spelt.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.store.errors import BadUnit
from gateway.store.tables import ColumnType, Schema, Table, Value
from gateway.store.unit import Step, Unit

_SPELT = {ColumnType.TEXT: "TEXT", ColumnType.INT: "INTEGER", ColumnType.BLOB: "BLOB"}
_PYTHON: dict[ColumnType, tuple[type, ...]] = {
    ColumnType.TEXT: (str,),
    ColumnType.INT: (int,),
    ColumnType.BLOB: (bytes,),
    ColumnType.SERIAL: (int,),
}
MAX_SHAPES = 5000
"""More shapes than this in one program means that something unbounded (an ``in`` list) makes them: start over."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One prepared shape of a step."""

    sql: str
    table: str
    exactly_one: bool
    chained: tuple[tuple[str, int], ...] = ()
    """Columns that have a value and go into the hash chain, sorted, each with its place among the values; of inserts only."""
    inserted: tuple[str, ...] = ()
    """Columns of a new row, in the order of the values; empty for every other step."""


Planned = tuple[Plan, tuple[Value, ...]]
"""A step's plan and its values."""


class Planner:
    """Steps to SQL, judged once per shape: names, required columns, and the Python types of the values."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._plans: dict[tuple[object, ...], Plan] = {}

    def plan(self, unit: Unit) -> list[Planned]:
        plans = self._plans
        planned: list[Planned] = []
        for step in unit.steps:
            values = step.values
            shape = (step.verb, step.table, step.columns, step.terms, step.key, step.held, *map(type, values))
            plan = plans.get(shape)
            if plan is None:
                if len(plans) >= MAX_SHAPES:
                    plans.clear()
                plan = plans[shape] = _compile(self._schema.table(step.table), step)
            planned.append((plan, values))
        return planned


def _compile(table: Table, step: Step) -> Plan:
    table.require(step.columns)
    check_values(table, step)
    spell = {"insert": _insert, "upsert": _upsert, "update": _update, "delete": _delete}[step.verb]
    inserted = step.columns if step.verb == "insert" else ()
    places = [(name, place) for place, name in enumerate(inserted) if name in table.chained]
    chained = tuple(sorted([(name, place) for name, place in places if step.values[place] is not None]))
    return Plan(spell(table, step), table.name, step.verb == "update", chained, inserted)


def check_values(table: Table, step: Step) -> None:
    for name, value in zip(step.columns, step.values, strict=False):
        if value is None:
            if name in table.never_null:
                raise BadUnit(f"{table.name}: this column always has a value", fields=(name,))
        else:
            check_type(table, name, value)
    operands = (*_bound(step.terms), *step.key, *step.held)
    for name, value in zip(operands, step.values[len(step.columns) :], strict=True):
        if value is not None:
            check_type(table, name, value)


def check_type(table: Table, name: str, value: object) -> None:
    """A bool is an int to Python and a float slips into a number column of SQLite; neither is money."""
    table.require((name,))
    if isinstance(value, bool) or not isinstance(value, _PYTHON[table.columns[name]]):
        raise BadUnit(f"{table.name}: a value is not of its column's type", fields=(name,))


def _bound(terms: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """The terms' columns once per operand they bind."""
    for name, operator in terms:
        for _ in range(_operands(operator)):
            yield name


def _operands(operator: str) -> int:
    if operator in ("null", "some"):
        return 0
    return int(operator[2:]) if operator.startswith("in") else 1


def _insert(table: Table, step: Step) -> str:
    missing = table.required.difference(step.columns)
    if missing:
        raise BadUnit(f"{table.name}: a new row needs these columns", fields=tuple(sorted(missing)))
    if table.serial in step.columns:
        raise BadUnit(f"{table.name}: the store gives this number", fields=(table.serial or "",))
    return _words("INSERT INTO", q(table.name), f"({_list(step.columns)}) VALUES ({_marks(len(step.columns))})")


def _upsert(table: Table, step: Step) -> str:
    changed = [name for name in step.columns if name not in table.key]
    sets = ", ".join(f"{q(name)} = excluded.{q(name)}" for name in changed)
    action = f"DO UPDATE SET {sets}" if changed else "DO NOTHING"
    return f"{_insert(table, step)} ON CONFLICT ({_list(table.key)}) {action}"


def _update(table: Table, step: Step) -> str:
    if set(step.key) != set(table.key):
        raise BadUnit(f"{table.name}: an update names the whole key and nothing else as the key", fields=table.key)
    if not step.columns or set(step.columns) & set(table.key):
        raise BadUnit(f"{table.name}: an update changes at least one column and never the key")
    sets = ", ".join(f"{q(name)} = ?" for name in step.columns)
    terms = (*[(name, "=") for name in step.key], *[(name, "same") for name in step.held])
    return _words("UPDATE", q(table.name), "SET", sets, "WHERE", conditions(table, terms))


def _delete(table: Table, step: Step) -> str:
    if not step.terms:
        raise BadUnit(f"{table.name}: a delete has conditions")
    return _words("DELETE FROM", q(table.name), "WHERE", conditions(table, step.terms))


def conditions(table: Table, terms: tuple[tuple[str, str], ...]) -> str:
    table.require(tuple(name for name, _ in terms))
    return " AND ".join(_term(q(name), operator) for name, operator in terms) or "TRUE"


def _term(name: str, operator: str) -> str:
    if operator == "null":
        return f"{name} IS NULL"
    if operator == "some":
        return f"{name} IS NOT NULL"
    if operator == "same":
        return f"{name} IS ?"
    if operator.startswith("in"):
        return f"{name} IN ({_marks(int(operator[2:]))})"
    return f"{name} {operator} ?"


def select(table: Table, terms: tuple[tuple[str, str], ...], order_by: str | None, *, after: bool) -> str:
    """A page of rows: conditions, then the position after which to go on, then the limit are bound in this order."""
    found = conditions(table, terms)
    columns, descending = order(table, order_by)
    if order_by and columns[0] not in table.never_null:
        found += f" AND {q(columns[0])} IS NOT NULL"
    if after:
        found += f" AND ({_list(columns)}) {'<' if descending else '>'} ({_marks(len(columns))})"
    direction = " DESC" if descending else ""
    ordered = ", ".join(q(name) + direction for name in columns)
    names = _list(tuple(table.columns))
    return _words("SELECT", names, "FROM", q(table.name), "WHERE", found, "ORDER BY", ordered, "LIMIT ?")


def order(table: Table, order_by: str | None) -> tuple[tuple[str, ...], bool]:
    """The columns that make the order total, and whether it runs down."""
    descending = bool(order_by) and str(order_by).startswith("-")
    first = (order_by or "").removeprefix("-")
    if not first or (first,) == table.key:
        return table.key, descending
    table.require((first,))
    return (first, *(name for name in table.key if name != first)), descending


def aggregate(table: Table, terms: tuple[tuple[str, str], ...], by: str | None, total: str | None) -> str:
    table.require(tuple(name for name in (by, total) if name))
    chosen = [q(by)] if by else []
    chosen += ["COUNT(*)", f"COALESCE(SUM({q(total)}), 0)" if total else "0"]
    found = conditions(table, terms)
    tail = ("GROUP BY", q(by)) if by else ()
    return _words("SELECT", ", ".join(chosen), "FROM", q(table.name), "WHERE", found, *tail)


def create(table: Table) -> str:
    """STRICT, because SQLite otherwise stores any type in any column. Small rows live in their key's tree."""
    parts = [_column(table, name) for name in table.columns]
    if not table.serial:
        parts.append(f"PRIMARY KEY ({_list(table.key)})")
    parts += [f"UNIQUE ({_list(group)})" for group in table.unique]
    in_key_tree = not table.serial and ColumnType.BLOB not in table.columns.values()
    return f"CREATE TABLE {q(table.name)} ({', '.join(parts)}) STRICT{', WITHOUT ROWID' if in_key_tree else ''}"


def _column(table: Table, name: str) -> str:
    kind = table.columns[name]
    if kind is ColumnType.SERIAL:
        return f"{q(name)} INTEGER PRIMARY KEY{' AUTOINCREMENT' if table.numbers_stay else ''}"
    return f"{q(name)} {_SPELT[kind]}{' NOT NULL' if name in table.never_null else ''}"


def add_column(table: Table, name: str) -> str:
    return f"ALTER TABLE {q(table.name)} ADD COLUMN {_column(table, name)}"


def create_indexes(table: Table) -> list[str]:
    sparse = [
        f"CREATE INDEX IF NOT EXISTS {q('_'.join(('by', table.name, name)))} ON {q(table.name)} ({q(name)})"
        f" WHERE {q(name)} IS NOT NULL"
        for name in table.sparse
    ]
    return sparse + [
        f"CREATE INDEX IF NOT EXISTS {q('_'.join(('by', table.name, *group)))} ON {q(table.name)} ({_list(group)})"
        for group in table.indexes
    ]


def q(name: str | None) -> str:
    return f'"{name}"'


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(map(q, names))


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _words(*words: str) -> str:
    return " ".join(words)
