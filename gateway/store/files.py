"""A database file on disk: whose it is, who may open it, whether it is whole, and what its tables look like."""

import fcntl
import os
import zlib
from pathlib import Path

import apsw

from gateway.kernel.errors import ConfigRefused
from gateway.store import sql
from gateway.store.errors import StoreFailed
from gateway.store.tables import Schema, Table

WAL_PAGES = 4000
"""Pages in the write-ahead log before a commit moves them into the main file: 16 MB, some tens of ms of work."""
BUSY_MS = 5000


def take_lock(path: Path) -> int:
    """Hold ``<path>.lock`` until the descriptor is closed or the process ends.

    Raises ``ConfigRefused`` if another process holds it: two writers would each trust their own order of rows.
    """
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as wrong:
        raise ConfigRefused(
            "the database's folder can't be written",
            code="store-path",
            hint="Create it and give this user write access.",
        ) from wrong
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ConfigRefused(
            "another process has this database open",
            code="store-in-use",
            hint="One gateway process per database file: stop the other one or give this one its own path.",
        ) from None
    return descriptor


def make_private(path: Path) -> None:
    """Create the file for its owner only; SQLite gives its log files the same mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def open_writer(path: Path, schema: Schema) -> apsw.Connection:
    """The only connection that writes.

    Raises ``ConfigRefused`` for another room's or a newer file, ``StoreFailed`` for a damaged one.
    """
    try:
        connection = apsw.Connection(str(path), statementcachesize=512)
        _set_up(connection)
        _refuse_damaged(connection)
        _refuse_foreign(connection, schema)
        _bring_forward(connection, schema)
    except apsw.Error as wrong:
        raise _unreadable() from wrong
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Raises ``StoreFailed``."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, statementcachesize=256)
        connection.set_busy_timeout(BUSY_MS)
        _plan_once(connection)
        connection.execute("PRAGMA query_only = 1")
    except apsw.Error as wrong:
        raise _unreadable() from wrong
    return connection


def _plan_once(connection: apsw.Connection) -> None:
    """A statement is planned once, not anew for each bound value: every plan goes by a key or an index made for it."""
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def _set_up(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(BUSY_MS)
    _plan_once(connection)
    # A commit writes whole pages: smaller ones make it cheaper, and rows of the small tables still fit (measured).
    connection.execute("PRAGMA page_size = 2048")
    mode = connection.execute("PRAGMA journal_mode = WAL").get
    if mode != "wal":
        raise ConfigRefused(
            "this file system can't carry a write-ahead log", hint="Put the database on a local disk, never on NFS."
        )
    # cache_size: 4 MB, so that the pages of one group do not spill into the log before their COMMIT; not more, because
    # a COMMIT that split a page looks through the whole cache.
    # secure_delete: an erased record's wrapped key must not survive on a free page.
    for pragma in (
        "synchronous = FULL",
        "cache_size = -4096",
        f"wal_autocheckpoint = {WAL_PAGES}",
        "journal_size_limit = 67108864",
        "secure_delete = ON",
        "trusted_schema = OFF",
        "cell_size_check = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _refuse_damaged(connection: apsw.Connection) -> None:
    if connection.execute("PRAGMA quick_check(1)").get != "ok":
        raise _unreadable()


def _unreadable() -> StoreFailed:
    return StoreFailed(
        "the database file is damaged or can't be read",
        code="store-corrupt",
        hint="Don't serve from it. Keep the file with its -wal, restore the last good copy, then reconcile.",
    )


def _refuse_foreign(connection: apsw.Connection, schema: Schema) -> None:
    mark = zlib.crc32(schema.name.encode()) & 0x7FFFFFFF
    found = connection.execute("PRAGMA application_id").get
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_schema").get
    if tables and found != mark:
        raise ConfigRefused(
            "this file belongs to another room or program",
            code="store-foreign",
            hint="Claims and payment each have their own database path.",
        )
    written = connection.execute("PRAGMA user_version").get
    if 0 < written < schema.oldest:
        raise ConfigRefused(
            "the database was written by a version whose records can't be read any more",
            code="store-older",
            hint="Finish its bills with that version, keep the file, and start with a new one.",
        )
    if written > schema.version:
        raise ConfigRefused(
            "the database was written by a newer version", code="store-newer", hint="Start the newer version again."
        )
    if found != mark:
        connection.execute(f"PRAGMA application_id = {mark}")


def _bring_forward(connection: apsw.Connection, schema: Schema) -> None:
    """Add what this program's schema has and the file lacks, all or nothing: a version has grown while it was written."""
    with connection:
        for table in schema.tables:
            for statement in _missing(connection, table):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {schema.version}")


def _missing(connection: apsw.Connection, table: Table) -> list[str]:
    there = {row[1] for row in connection.execute(f"PRAGMA table_info({sql.q(table.name)})")}
    if not there:
        return [sql.create(table), *sql.create_indexes(table)]
    added = [sql.add_column(table, name) for name in table.columns if name not in there]
    return [*added, *sql.create_indexes(table)]
