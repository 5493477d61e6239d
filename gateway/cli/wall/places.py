"""Everything that a running stage has outside the vault, gathered as bytes to be searched."""

import base64
import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.cli.nearby import ask_nearby
from gateway.cli.stage import Stage
from gateway.cli.wall.search import Finding, Marks, Searcher
from gateway.kernel.secret import Secret
from gateway.payment.signing import sign
from gateway.store.claims_tables import CLAIMS
from gateway.store.payment_tables import PAYMENT
from gateway.store.snapshot import Snapshot
from gateway.store.tables import Schema

_RECEIPTS = "/receipts?after=0"
_MOST_ROWS = 1_000_000
_IN_PLACES = ("claims.db", "claims.db-wal", "payment.db", "payment.db-wal")


@dataclass(frozen=True)
class Place:
    name: str
    data: bytes
    side: str
    """``payment``, ``telemetry`` or ``claims``. Days and times of treatment have business on neither of the first two."""
    rows: int = 0


def payment_side(stage: Stage) -> list[Place]:
    """What the channels received, the payment room's rows, database files, log, metrics and receipts."""
    payment = f"https://localhost:{stage.ports['payment']}"
    received = [
        message
        for channel in ("pay", "deduct")
        for message in json.loads(_fetch(stage, f"https://localhost:{stage.ports[channel]}/_received?last=5000"))
    ]
    rows = _columns(stage.home / "payment.db", PAYMENT)
    return [
        Place("channel: messages", b"\n".join(_raw(received)), "payment", len(received)),
        Place("payment: metrics", _fetch(stage, payment + "/metrics"), "payment"),
        Place("payment: receipts", _fetch(stage, payment + _RECEIPTS, _as_clearing(stage)), "payment"),
        *(Place(f"payment: {name}", b"\0".join(cells), "payment", len(cells)) for name, cells in rows.items()),
        *_files(stage, "payment", "payment.db", "payment.db-wal", "payment.log"),
    ]


def claims_telemetry(stage: Stage) -> list[Place]:
    """What operators see of the claims room: its log and its metrics."""
    metrics = _fetch(stage, f"http://127.0.0.1:{stage.ports['operator']}/metrics")
    return [Place("gateway: metrics", metrics, "telemetry"), *_files(stage, "telemetry", "gateway.log")]


def claims_room(stage: Stage) -> list[Place]:
    """Each column of the claims database as its values lie there (sealed ones too), its files, and all files of the stage."""
    rows = _columns(stage.home / "claims.db", CLAIMS)
    others = sorted(file for file in stage.home.rglob("*") if file.is_file() and file.name not in _IN_PLACES)
    return [
        *(Place(f"claims: {name}", b"\0".join(cells), "claims", len(cells)) for name, cells in rows.items()),
        *_files(stage, "claims", "claims.db", "claims.db-wal"),
        Place("files: names", "\n".join(str(file) for file in others).encode(), "claims", len(others)),
        Place("files: settings, keys, logs, temporary", b"\0".join(map(_content, others)), "claims", len(others)),
    ]


def marks_of(submissions: Iterable[Mapping[str, Any]]) -> Marks:
    """What ``marks=True`` planted in these bills."""
    # Imported here: a production image has neither the sandbox nor a use for it.
    from gateway.sandbox.hospital.marks import moments, where_planted

    texts: dict[str, str] = {}
    times: set[str] = set()
    for one in submissions:
        texts |= where_planted(dict(one))
        times |= moments(dict(one))
    return Marks(texts, frozenset(times))


def findings(places: Iterable[Place], marks: Marks) -> list[Finding]:
    searcher = Searcher(marks)
    return [
        found
        for place in places
        for found in searcher.search(place.name, place.data, with_moments=place.side != "claims")
    ]


def search_payment_side(stage: Stage, submissions: Iterable[Mapping[str, Any]]) -> int:
    """How many planted marks the payment side has; each submission carries its own."""
    return len(findings(payment_side(stage), marks_of(submissions)))


def _fetch(stage: Stage, url: str, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    return ask_nearby(url, stage.keys / "ca.cert.pem", headers)


def _as_clearing(stage: Stage) -> dict[str, str]:
    secret = Secret((stage.keys / "clearing-payment.secret").read_text("utf-8").strip())
    return sign(secret, datetime.now(UTC), "GET", _RECEIPTS, b"")


def _columns(database: Path, schema: Schema) -> dict[str, list[bytes]]:
    """``table.column`` -> its values. Tables that only SQLite knows hold nothing of ours, and the files are searched too."""
    with contextlib.closing(Snapshot(database, schema)) as snapshot:
        return {
            f"{table.name}.{name}": [_cell(row[name]) for row in rows]
            for table in schema.tables
            for rows in [snapshot.find(table.name, {}, limit=_MOST_ROWS)]
            for name in table.columns
        }


def _cell(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _files(stage: Stage, side: str, *names: str) -> Iterator[Place]:
    for name in names:
        if (stage.home / name).exists():
            yield Place(name, (stage.home / name).read_bytes(), side)


def _content(file: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return file.read_bytes()
    return b""


def _raw(received: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Bodies as they came over the wire, and everything else that was kept of each request."""
    for message in received:
        for name, value in message.items():
            spelt = json.dumps(value, ensure_ascii=False).encode()
            yield base64.b64decode(value) if name == "body" else spelt
