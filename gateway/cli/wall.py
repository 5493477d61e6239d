"""Searches everything that the payment side has for marks that were planted in medical and identity fields."""

import base64
import contextlib
import json
import sqlite3
import ssl
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cli.stage import Stage
from gateway.kernel.secret import Secret
from gateway.payment.signing import sign

_RECEIPTS = "/receipts?after=0"


def payment_side(stage: Stage) -> dict[str, bytes]:
    """By place: what the channel received, the payment room's rows, database files, log, metrics and receipts."""
    payment = f"https://localhost:{stage.ports['payment']}"
    received = json.loads(_fetch(stage, f"https://localhost:{stage.ports['pay']}/_received?last=5000"))
    found = {
        "channel: messages": b"\n".join(_raw(received)),
        "payment: metrics": _fetch(stage, payment + "/metrics"),
        "payment: receipts": _fetch(stage, payment + _RECEIPTS, _as_clearing(stage)),
        "payment: rows": b"\n".join(_rows(stage.home / "payment.db")),
    }
    return found | _files(stage, "payment.db", "payment.db-wal", "payment.log")


def claims_telemetry(stage: Stage) -> dict[str, bytes]:
    """What operators see of the claims room: its log and its metrics. Its database is the vault's place."""
    metrics = _fetch(stage, f"http://127.0.0.1:{stage.ports['operator']}/metrics")
    return {"gateway: metrics": metrics} | _files(stage, "gateway.log")


def _fetch(stage: Stage, url: str, headers: Mapping[str, str] | None = None) -> bytes:
    context = ssl.create_default_context(cafile=str(stage.keys / "ca.cert.pem")) if url.startswith("https:") else None
    request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310 - our own stage
    with urllib.request.urlopen(request, context=context, timeout=5) as answer:  # noqa: S310
        body: bytes = answer.read()
        return body


def _as_clearing(stage: Stage) -> dict[str, str]:
    secret = Secret((stage.keys / "clearing-payment.secret").read_text("utf-8").strip())
    return sign(secret, datetime.now(UTC), "GET", _RECEIPTS, b"")


def _rows(database: Path) -> Iterable[bytes]:
    """Every row of every table: a long text is cut into pieces in the file itself."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        tables = [name for (name,) in opened.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            for row in opened.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a name from the schema itself
                yield b"\t".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)


def _files(stage: Stage, *names: str) -> dict[str, bytes]:
    return {name: (stage.home / name).read_bytes() for name in names if (stage.home / name).exists()}


def _raw(received: Any) -> Iterable[bytes]:
    """Bodies as they came over the wire, and everything else that was kept of each request."""
    for message in received["received"] if isinstance(received, Mapping) else received:
        for name, value in message.items():
            spelt = json.dumps(value, ensure_ascii=False).encode()
            yield base64.b64decode(value) if name == "body" else spelt


def search_payment_side(stage: Stage, submissions: Iterable[Mapping[str, Any]]) -> int:
    """How many planted marks are found; each submission carries its own (``marks=True``)."""
    from gateway.sandbox.hospital.marks import planted

    marks = {mark for submission in submissions for mark in planted(dict(submission))}
    return count_marks(payment_side(stage), marks)


def count_marks(places: Mapping[str, bytes], marks: Iterable[str]) -> int:
    """Sightings of ``marks`` in plain, GB 18030 and JSON spelling. There must be marks: else a search proves nothing."""
    spellings = {
        form for mark in marks for form in (mark.encode(), mark.encode("gb18030"), json.dumps(mark)[1:-1].encode())
    }
    assert spellings, "no mark was planted, so a search would prove nothing"
    return sum(1 for content in places.values() for mark in spellings if mark in content)
