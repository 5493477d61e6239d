"""The hash chain: each commit that writes rows of a chained table adds one entry, in the same transaction.

A row's digest is SHA-256 of its ``row_json``; an entry's link is SHA-256 of its ``entry_json``, which holds the digests
of its rows and the link before it. Rows are not written twice: an entry only refers to them. Whoever alters or deletes
a row, or an entry, breaks every link from there on; signed checkpoints over the links hold the rest (``checkpoints``).
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import apsw
import msgspec

from gateway.store.sql import Planned, q
from gateway.store.tables import Schema, Table, Value

FIRST_LINK = "0" * 64
TABLE = "chain"
_INSERT = "INSERT INTO chain (seq, at, refs, link) VALUES (?, ?, ?, ?)"
_encode = msgspec.json.Encoder().encode
_SHA256 = hashlib.sha256()
"""Copied for each row: to begin one by name costs as much again as a row's digest."""


def row_json(table: Table, row: Mapping[str, Any]) -> bytes:
    """The exact bytes whose digest is in the chain: the chained columns that have a value, sorted, with the table first."""
    kept = {name: row[name] for name in sorted(table.chained) if row.get(name) is not None}
    return _encode({"_table": table.name} | kept)


def entry_json(seq: int, at: int, previous: str, rows: Sequence[str]) -> bytes:
    """The exact bytes whose digest is the entry's link. ``at`` in epoch ms."""
    return _encode({"at": at, "previous": previous, "rows": rows, "seq": seq})


def link_of(entry: bytes) -> str:
    return hashlib.sha256(entry).hexdigest()


class Gathered:
    """What a group of units wrote to chained tables: references and digests, numbered rows last."""

    def __init__(self, schema: Schema) -> None:
        chained = [table for table in schema.tables if table.chained]
        self._refer = {table.name: _reference(table).format_map for table in chained if not table.serial}
        self.serials = {table.name: table.serial for table in chained if table.serial}

    def rows(self, steps: Iterable[Planned]) -> tuple[list[str], dict[str, list[str]]]:
        """References to rows with a key, and digests: theirs under the empty name, numbered rows under their table's."""
        refs: list[str] = []
        digests: defaultdict[str, list[str]] = defaultdict(list)
        for plan, values in steps:
            if plan.chained:
                row: dict[str, Value] = {"_table": plan.table}
                for name, place in plan.chained:
                    row[name] = values[place]
                digest = _SHA256.copy()
                digest.update(_encode(row))
                if plan.table in self.serials:
                    digests[plan.table].append(digest.hexdigest())
                else:
                    refs.append(self._refer[plan.table](row))
                    digests[""].append(digest.hexdigest())
        return refs, digests


def _reference(table: Table) -> str:
    """``change {order_id} {change_no}``"""
    return " ".join([table.name, *[f"{{{name}}}" for name in table.key]])


class Chain:
    """Writes entries through the store's writing connection. Knows the newest link, as long as it is the only writer."""

    def __init__(self, connection: apsw.Connection, schema: Schema) -> None:
        self._connection = connection
        self._gathered = Gathered(schema)
        found = connection.execute("SELECT seq, link FROM chain ORDER BY seq DESC LIMIT 1").fetchone()
        self._head: tuple[int, str] = found or (0, FIRST_LINK)
        self._next = self._head

    def extend(self, works: Iterable[Sequence[Planned]]) -> None:
        """Add the entry for what these units wrote, before their COMMIT."""
        self._next = self._head
        refs, digests = self._gathered.rows(chain.from_iterable(works))
        for table in sorted(digests):
            if table:
                last = self._last_number(table)
                refs.append(f"{table} {last - len(digests[table]) + 1} {last}")
        if digests:
            self._append(refs, [digest for table in sorted(digests) for digest in digests[table]])

    def _last_number(self, table: str) -> int:
        serial = self._gathered.serials[table]
        return int(self._connection.execute(f"SELECT MAX({q(serial)}) FROM {q(table)}").get)  # noqa: S608

    def _append(self, refs: list[str], digests: list[str]) -> None:
        seq, at = self._head[0] + 1, time.time_ns() // 1_000_000
        link = link_of(entry_json(seq, at, self._head[1], digests))
        self._connection.execute(_INSERT, (seq, at, "\n".join(refs), link))
        self._next = seq, link

    def committed(self) -> None:
        """The transaction is on disk: its entry is the newest now. After a failed one the head stays where it was."""
        self._head = self._next
