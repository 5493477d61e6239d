"""Connections to a PostgreSQL database, and the room's schema in it: made, judged and brought forward when it is opened.

Beside the room's tables the schema holds ``store_head``. Its one row is the version, the newest number of each numbered
table, the newest link of the hash chain, and the lock under which groups are written.
"""

import zlib
from typing import Any, NoReturn

import psycopg
from psycopg import AsyncConnection, Connection, conninfo
from psycopg.types.numeric import Int8BinaryDumper

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.store import postgres_words as words
from gateway.store.chain import FIRST_LINK
from gateway.store.errors import StoreFailed
from gateway.store.sql import q
from gateway.store.tables import Schema

PATIENCE_S = 30
"""How long a statement waits for a lock, and a question for its answer."""
_LIBPQ = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
    "target_session_attrs": "primary",
    "client_encoding": "UTF8",
    "application_name": "lianpei",
}
_SESSION = {
    "synchronous_commit": "on",
    "lock_timeout": f"{PATIENCE_S}s",
    # A process that was stopped inside a group must not hold up the others.
    "idle_in_transaction_session_timeout": "10s",
    "default_transaction_isolation": "read\\ committed",
}


class Link:
    """Where the database is and how to speak to it. ``url`` is libpq's, several hosts included, without a password."""

    def __init__(self, url: str, schema: Schema, password: Secret[str] | None = None) -> None:
        """Raises ``ConfigRefused`` (``store-url``)."""
        try:
            self._asked: dict[str, Any] = conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            _refuse_url("the database's URL can't be read")
        if "password" in self._asked:
            _refuse_url("the database's URL holds a password")
        if self._asked.get("target_session_attrs") == "read-write":
            # The same server, said so that connections which only ask, and are read-only by our own setting, find it too.
            self._asked["target_session_attrs"] = "primary"
        self.schema = schema
        self._password = password

    def _words(self, **session: str) -> dict[str, Any]:
        settings = {"search_path": self.schema.name} | _SESSION | session
        told = " ".join(f"-c {name}={value}" for name, value in settings.items())
        secret = {} if self._password is None else {"password": self._password.expose()}
        options = {"options": f"{self._asked.get('options', '')} {told}".strip()}
        return _LIBPQ | self._asked | secret | options

    def asking(self) -> dict[str, Any]:
        """Keyword arguments of a connection that only asks, each time about one moment."""
        timeout = {"statement_timeout": f"{PATIENCE_S}s", "default_transaction_read_only": "on"}
        return self._words(default_transaction_isolation="repeatable\\ read", **timeout)

    def open(self) -> Connection[tuple[Any, ...]]:
        return Connection.connect(**self._words(), autocommit=True)

    async def writing(self) -> AsyncConnection[tuple[Any, ...]]:
        """No time limit on a statement: one that ends the wait for a standby would make COMMIT look done."""
        opened = await AsyncConnection.connect(**self._words(), autocommit=True)
        whole_numbers(opened)
        opened.prepared_max = 500
        return opened

    def prepare(self) -> None:
        """Bring the room's schema to this version, all or nothing.

        Raises ``ConfigRefused`` for another program's or a newer schema, ``StoreFailed`` where there is no database.
        """
        try:
            with self.open() as connection, connection.transaction():
                mark = zlib.crc32(self.schema.name.encode())
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (mark,))
                _refuse_encoding(connection)
                _bring_forward(connection, self.schema)
        except psycopg.Error as wrong:
            raise unreachable() from wrong


def whole_numbers(connection: AsyncConnection[Any] | Connection[Any]) -> None:
    """Every int goes as a bigint, so that a statement's shape does not change with the size of a number."""
    connection.adapters.register_dumper(int, Int8BinaryDumper)


def unreachable() -> StoreFailed:
    return StoreFailed(
        "the database can't be reached or refuses us",
        hint="See that PostgreSQL runs at claims.database, takes this user, and has room on its disk.",
    )


def _refuse_url(text: str) -> NoReturn:
    raise ConfigRefused(
        text,
        code="store-url",
        hint="Write postgresql://user@host/database; name the password's key file in database_password.",
    ) from None


def _refuse_encoding(connection: Connection[Any]) -> None:
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise ConfigRefused("the database is not in UTF-8", code="store-url", hint="createdb --encoding=UTF8")


def _bring_forward(connection: Connection[Any], schema: Schema) -> None:
    name = schema.name
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {q(name)}".encode())
    columns = _columns(connection, name)
    if not columns:
        connection.execute("CREATE TABLE store_head (version INT, numbers TEXT, link TEXT)")
        connection.execute("INSERT INTO store_head VALUES (0, '{}', %s)", (FIRST_LINK,))
    elif "store_head" not in columns:
        raise ConfigRefused(
            "this schema belongs to another program", code="store-foreign", hint="Give the gateway its own database."
        )
    # With this lock no group is half written, so that no table is held by one.
    row = connection.execute("SELECT version FROM store_head FOR UPDATE").fetchone()
    _refuse_version(row[0] if row else 0, schema)
    for table in schema.tables:
        for statement in words.missing(table, columns.get(table.name, frozenset())):
            connection.execute(statement.encode())
    connection.execute("UPDATE store_head SET version = %s WHERE version <> %s", (schema.version, schema.version))


def _columns(connection: Connection[Any], schema: str) -> dict[str, frozenset[str]]:
    found = connection.execute(
        "SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns"
        " WHERE table_schema = %s GROUP BY 1",
        (schema,),
    )
    return {table: frozenset(names) for table, names in found}


def _refuse_version(written: int, schema: Schema) -> None:
    if 0 < written < schema.oldest:
        raise ConfigRefused(
            "the database was written by a version whose records can't be read any more",
            code="store-older",
            hint="Finish its bills with that version, keep the database, and start with a new one.",
        )
    if written > schema.version:
        raise ConfigRefused(
            "the database was written by a newer version", code="store-newer", hint="Start the newer version again."
        )
