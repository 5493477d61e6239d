"""PostgreSQL's words for tables, units and questions: what ``sql`` spells for SQLite, said anew where the two differ."""

from gateway.store import sql
from gateway.store.sql import Plan, q
from gateway.store.tables import ColumnType, Schema, Table

_SPELT = {
    ColumnType.TEXT: 'TEXT COLLATE "C"',  # bytewise, so that pages come in the same order on both databases
    ColumnType.INT: "BIGINT",
    ColumnType.BLOB: "BYTEA",
    ColumnType.SERIAL: "BIGINT",
}


def spoken(statement: str) -> str:
    """A statement of ``sql`` with psycopg's marks. Names are plain lower case, so a ``?`` is always a mark."""
    said = statement.replace("IS ?", "IS NOT DISTINCT FROM ?").replace("?", "%s").replace("IN ()", "IN (NULL)")
    # A sum of bigint is a numeric there, which would come as a Decimal.
    return said.replace('"), 0)', '"), 0)::bigint')


def spoken_step(plan: Plan, table: Table) -> str:
    """A step's statement. A new row of a numbered table gets its number from the writer, as the first value."""
    said = spoken(plan.sql)
    if table.serial and said.startswith("INSERT INTO"):
        said = said.replace("(", f"({q(table.serial)}, ", 1).replace("VALUES (", "VALUES (%s, ", 1)
    return said


def create(table: Table) -> list[str]:
    parts = [column(table, name) for name in table.columns]
    parts.append(f"PRIMARY KEY ({_list(table.key)})")
    parts += [f"UNIQUE ({_list(group)})" for group in table.unique]
    # What lies in a blob is sealed: trying to compress it would only cost time.
    plain = [
        f"ALTER TABLE {q(table.name)} ALTER COLUMN {q(name)} SET STORAGE EXTERNAL"
        for name, kind in table.columns.items()
        if kind is ColumnType.BLOB
    ]
    return [f"CREATE TABLE {q(table.name)} ({', '.join(parts)})", *plain]


def column(table: Table, name: str) -> str:
    return f"{q(name)} {_SPELT[table.columns[name]]}{' NOT NULL' if name in table.never_null else ''}"


def missing(table: Table, there: frozenset[str]) -> list[str]:
    """Statements that bring a table with the columns ``there`` to its declaration."""
    if not there:
        return [*create(table), *sql.create_indexes(table)]
    added = [f"ALTER TABLE {q(table.name)} ADD COLUMN {column(table, name)}" for name in table.columns]
    kept = [statement for name, statement in zip(table.columns, added, strict=True) if name not in there]
    return [*kept, *sql.create_indexes(table)]


def numbered(schema: Schema) -> dict[str, str]:
    """Tables whose rows the store numbers, with the column."""
    return {table.name: table.serial for table in schema.tables if table.serial}


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(map(q, names))
