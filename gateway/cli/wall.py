"""Searches everything that the payment side has for marks that were planted in medical and identity fields."""

import base64
import json
import ssl
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.cli.stage import Stage


def payment_side(stage: Stage) -> dict[str, bytes]:
    """By place: what the channel received, the payment room's database files, its log and its metrics."""
    context = ssl.create_default_context(cafile=str(stage.keys / "ca.cert.pem"))

    def fetch(url: str) -> bytes:
        with urllib.request.urlopen(url, context=context, timeout=5) as answer:  # noqa: S310
            body: bytes = answer.read()
            return body

    received = json.loads(fetch(f"https://localhost:{stage.ports['pay']}/_received?last=5000"))
    found = {"channel: messages": b"\n".join(_raw(received))}
    found["payment: metrics"] = fetch(f"https://localhost:{stage.ports['payment']}/metrics")
    for name in ("payment.db", "payment.db-wal", "payment.log"):
        place = Path(stage.home / name)
        if place.exists():
            found[name] = place.read_bytes()
    return found


def _raw(received: Any) -> Iterable[bytes]:
    """Bodies as they came over the wire, and everything else that was kept of each request."""
    for message in received["received"] if isinstance(received, Mapping) else received:
        for name, value in message.items():
            spelt = json.dumps(value, ensure_ascii=False).encode()
            yield base64.b64decode(value) if name == "body" else spelt


def search_payment_side(stage: Stage, submissions: Iterable[Mapping[str, Any]]) -> int:
    """How many planted marks are found; each submission carries its own (``marks=True``)."""
    from gateway.sandbox.hospital.marks import planted

    places = payment_side(stage)
    marks = {mark for submission in submissions for mark in planted(dict(submission))}
    assert marks, "no mark was planted, so a search would prove nothing"
    spellings = {
        form for mark in marks for form in (mark.encode(), mark.encode("gb18030"), json.dumps(mark)[1:-1].encode())
    }
    return sum(1 for content in places.values() for mark in spellings if mark in content)
