"""Nothing medical or identifying lies open in the claims room's own database, log or any file: only in the vault's noise."""

import asyncio
import re

import pytest
from marks import search
from support.bills import SampleBill, sample_bill
from support.house import House

from gateway.cli.stage import Stage
from gateway.cli.wall import count_marks
from gateway.sandbox.hospital.marks import TOKEN, planted
from gateway.store.claims_tables import CLAIMS
from gateway.store.snapshot import Snapshot

TROUBLES = [("package", "S291", "lose_answer"), ("huiyibao", "4.1", "garbage"), ("hcx", "claim/submit", "garbage")]
SEALED = {("vault", "blob"), ("message", "body")}


def columns(stage: Stage) -> dict[str, bytes]:
    """Every column of every table, sealed ones too, as the values lie there."""
    snapshot = Snapshot(stage.home / "claims.db", CLAIMS)
    try:
        found: dict[str, bytes] = {}
        for table in CLAIMS.tables:
            rows = snapshot.find(table.name, {}, limit=100_000)
            for name in table.columns:
                cells = [row[name] for row in rows]
                found[f"{table.name}.{name}"] = b"\0".join(
                    cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells
                )
        return found
    finally:
        snapshot.close()


def files(stage: Stage) -> dict[str, bytes]:
    """Everything below the stage: both rooms' databases with their logs, process logs, settings, keys."""
    return {str(file): file.read_bytes() for file in sorted(stage.home.rglob("*")) if file.is_file()}


@pytest.fixture
async def bills(house: House) -> list[SampleBill]:
    """Paid, refused, lost, garbled, of two policies, and one whose body is broken."""
    made = [
        sample_bill("package", marks=True),
        sample_bill("huiyibao", marks=True),
        sample_bill("package", "hcx", marks=True),
        sample_bill("eclaimlink", marks=True),
        sample_bill("ant", policy="REFUSE", marks=True),
    ]
    for code, op, do in TROUBLES:
        await house.script(code, op, do)
    broken = await house.call("POST", "/v1/claims", made[0].body[:-20], {"Idempotency-Key": "broken-1"})
    assert broken.status == 400
    await asyncio.gather(*(house.settle(bill) for bill in made))
    return made


async def test_no_mark_lies_open_in_any_column_or_file_and_a_leak_would_be_found(
    stage: Stage, bills: list[SampleBill]
) -> None:
    marks = {mark for bill in bills for mark in planted(bill.submission)}
    rows = columns(stage)
    places = rows | files(stage)

    assert len(marks) > 150
    assert {f"{table}.{column}" for table, column in SEALED} <= places.keys()
    assert b"ord_" in places["data_key.order_id"], "the search looks at rows of real bills"
    assert any("claims.db" in name and b"ord_" in content for name, content in places.items())
    assert [name for name, content in places.items() if re.search(TOKEN.pattern.encode(), content)] == []
    assert count_marks(places, marks) == 0
    assert search(sorted(marks)[::40], rows) == []
    mark = min(marks)
    for name in ("change.cause", "audit.reason", "data_key.person", "message.body"):
        leaked = places[name] + mark.encode()
        assert {sighting.place for sighting in search({mark}, {name: leaked})} == {name}
