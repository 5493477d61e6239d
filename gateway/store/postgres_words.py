"""PostgreSQL's words for tables, units and questions: what ``sql`` spells for SQLite, said anew where the two differ."""

from gateway.store import sql
from gateway.store.sql import Plan, q
from gateway.store.tables import ColumnType, Table

_SPELT = {
    ColumnType.TEXT: 'TEXT COLLATE "C"',  # bytewise, so that pages come in the same order on both databases
    ColumnType.INT: "BIGINT",
    ColumnType.BLOB: "BYTEA",
    ColumnType.SERIAL: "BIGINT",
}

_LISTS = {
    ColumnType.TEXT: "%s::text[]",
    ColumnType.INT: "%s::text[]::bigint[]",
    ColumnType.BLOB: "%s::bytea[]",
    ColumnType.SERIAL: "%s::text[]::bigint[]",
}
"""Whole numbers go as texts: the driver would choose an array's type anew by the size of what is in it."""
LOCK = "SELECT 1 FROM store_head FOR UPDATE"
TOUCH = "UPDATE store_head SET version = version"
_ADDED = """(
    SELECT jsonb_object_agg(name, COALESCE((numbers::jsonb ->> name)::bigint, 0) + COALESCE((added ->> name)::bigint, 0))
    FROM (SELECT %s::jsonb AS added) AS given, jsonb_object_keys(numbers::jsonb || added) AS name
)::text"""
MOVE_HEAD = f"UPDATE store_head SET numbers = {_ADDED}"  # noqa: S608 (nothing but our own words)
"""Bound: how many numbers each table was given, as JSON."""
EXTEND_CHAIN = f"""
WITH head AS (
    SELECT numbers::jsonb AS newest, link, COALESCE((numbers::jsonb ->> 'chain')::bigint, 0) + 1 AS seq FROM store_head
), numbered AS (
    SELECT string_agg(
        concat_ws(' ', name, COALESCE((newest ->> name)::bigint, 0) + 1, COALESCE((newest ->> name)::bigint, 0) + count::bigint),
        E'\\n' ORDER BY name COLLATE "C"
    ) AS refs FROM head, jsonb_each_text(%s::jsonb) AS given (name, count)
), entry AS (
    INSERT INTO chain (seq, at, refs, link)
    SELECT seq, given.at, concat_ws(E'\\n', NULLIF(given.refs, ''), numbered.refs), encode(sha256(convert_to(
        concat('{{"at":', given.at, ',"previous":"', link, '","rows":', given.digests, ',"seq":', seq, '}}'), 'UTF8'
    )), 'hex')
    FROM head, numbered, (SELECT %s::bigint AS at, %s::text AS refs, %s::text AS digests) AS given
    RETURNING link
)
UPDATE store_head SET link = (SELECT link FROM entry), numbers = {_ADDED}"""  # noqa: S608 (nothing but our own words)
"""``chain.entry_json`` and its digest, in the server's words.

Bound: rows of each numbered table (JSON), epoch ms, references, digests (JSON), numbers given (JSON).
"""


def spoken(statement: str) -> str:
    """A statement of ``sql`` with psycopg's marks. Names are plain lower case, so a ``?`` is always a mark."""
    said = statement.replace("IS ?", "IS NOT DISTINCT FROM ?").replace("?", "%s").replace("IN ()", "IN (NULL)")
    # A sum of bigint is a numeric there, which would come as a Decimal.
    return said.replace('"), 0)', '"), 0)::bigint')


def spoken_step(plan: Plan, table: Table) -> str:
    """A step's statement. It fails where it must find its one row and does not.

    A new row of a numbered table gets its number from its place in the group, which is bound as the first value.
    """
    said = spoken(plan.sql)
    if table.serial and said.startswith("INSERT INTO"):
        said = said.replace("(", f"({q(table.serial)}, ", 1).replace("VALUES (", f"VALUES ({_newest(table)} + %s, ", 1)
    return f"WITH changed AS ({said} RETURNING 1) SELECT 1 / COUNT(*) FROM changed" if plan.exactly_one else said  # noqa: S608


def spoken_rows(plan: Plan, table: Table) -> str:
    """A step's statement for any number of new rows: bound is a list for each column, that of the numbers first."""
    columns = (*([table.serial] if table.serial else []), *plan.inserted)
    arrays = ", ".join(_LISTS[table.columns[name]] for name in columns)
    values = [f"given.{q(name)}" for name in columns]
    if table.serial:
        values[0] = f"{_newest(table)} + {values[0]}"
    return (
        f"INSERT INTO {q(table.name)} ({_list(columns)}) SELECT {', '.join(values)} "  # noqa: S608 (our own words)
        f"FROM unnest({arrays}) AS given ({_list(columns)})"
    )


def _newest(table: Table) -> str:
    return f"(SELECT COALESCE((numbers::jsonb ->> '{table.name}')::bigint, 0) FROM store_head)"  # noqa: S608


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


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(map(q, names))
