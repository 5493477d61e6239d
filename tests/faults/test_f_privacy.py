"""Group F, privacy: planted marks in every input, every error path walked, and everything searched that lies or goes anywhere."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.bills import SampleBill, sample_bill
from support.house import House
from support.room import AUDIT_KEY, Room, open_room
from support.signed import HOSPITAL_TWO

from gateway.cli.stage import ROOT, Stage
from gateway.cli.wall.places import marks_of
from gateway.cli.wall.search import Searcher
from gateway.payment.allowlist import AllowList
from gateway.payment.model import PaymentOrder
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.fhir import fhir_bundle
from gateway.sandbox.hospital.his import his_message
from gateway.sandbox.hospital.marks import planted
from gateway.sandbox.hospital.mobile import mobile_body
from gateway.sandbox.hospital.table import csv_file
from gateway.sandbox.hospital.yibao import yibao_body
from gateway.store.chain_check import check
from gateway.store.claims_tables import CLAIMS
from gateway.store.errors import VaultRefused
from gateway.store.snapshot import Snapshot

BREAKS: dict[str, Any] = {
    "no lines": lambda bill: bill.update(lines=[]),
    "an unknown kind": lambda bill: bill["patient"].update(cert_type=bill["patient"]["name"]),
    "money that is off": lambda bill: bill["split"].update(total=bill["split"]["total"] + 7),
    "another hospital's": lambda bill: bill["visit"].update(hospital_code=HOSPITAL_TWO),
    "a time that is none": lambda bill: bill["visit"].update(begin_at=bill["patient"]["name"]),
    "no consent": lambda bill: bill["consent"].update(insurer_codes=["nobody"]),
    "a number that is none": lambda bill: bill["lines"][0].update(qty=bill["patient"]["name"]),
    "a field too many": lambda bill: bill["visit"].update({bill["patient"]["name"]: bill["patient"]["name"]}),
}
FORMS = {
    "": to_json,
    "/yibao-2207": lambda bill: to_json(yibao_body(bill)),
    "/yibao-6201": lambda bill: to_json(mobile_body(bill)),
    "/fhir-r4": lambda bill: to_json(fhir_bundle(bill)),
    "/csv": lambda bill: csv_file({"b": bill}).encode(),
    "/his-soap": lambda bill: his_message(bill, "m").encode(),
}


async def _walk(house: House) -> list[SampleBill]:
    """Marked bills in every format, whole, broken in every way, cut in the middle, and to insurers in trouble."""
    sent = []

    async def post(form: str, bill: SampleBill, body: bytes) -> None:
        sent.append(bill)
        headers = {"Idempotency-Key": bill.key, "Prefer": "wait=5", "X-Patient": bill.submission["patient"]["name"]}
        await house.call("POST", f"/v1/claims{form}", body, headers)

    for form, spell in FORMS.items():
        whole = sample_bill("package", marks=True)
        await post(form, whole, spell(whole.submission))
        await post(form, whole, spell(whole.submission)[:-200])
    for change in BREAKS.values():
        marked = sample_bill("package", marks=True)
        broken = json.loads(json.dumps(marked.submission))
        change(broken)
        await post("", marked, json.dumps(broken).encode())
    for code, do in (
        ("package", "garbage"),
        ("ant", "lose_answer"),
        ("hcx", "drop_connection"),
        ("huiyibao", "error500"),
    ):
        await house.script(code, "*", do)
        troubled = sample_bill(code, marks=True)
        await post("", troubled, troubled.body)
    await house.call("GET", f"/v1/orders/{sent[0].submission['patient']['name']}")
    await house.call("POST", f"/v1/undos/{sent[0].submission['patient']['name']}/yibao", b"{}")
    return sent


def _emitted(stage: Stage, metrics: bytes) -> dict[str, bytes]:
    found = {log.name: log.read_bytes() for log in stage.home.glob("*.log") if log.name != "sandbox.log"}
    found |= {f"tmp/{file.name}": file.read_bytes() for file in (stage.home / "tmp").rglob("*") if file.is_file()}
    for name in ("gateway", "payment"):
        process = Path("/proc") / str(stage.processes[name].pid)
        found |= {f"{name} {what}": (process / what).read_bytes() for what in ("cmdline", "comm", "environ")}
    return found | {"metrics": metrics, "payment.db": _rows(stage.home / "payment.db")}


def _rows(path: Path) -> bytes:
    """Every cell of a running room's database."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return repr([database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names]).encode()


@pytest.fixture(scope="module")
def walked() -> list[SampleBill]:
    return []


async def _marks(house: House, walked: list[SampleBill]) -> Searcher:
    if not walked:
        walked += await _walk(house)
        await asyncio.sleep(0.5)
    return Searcher(marks_of(bill.submission for bill in walked))


async def test_f2_no_mark_of_any_input_is_in_a_log_a_metric_a_file_or_a_process_title(
    house: House, stage: Stage, walked: list[SampleBill]
) -> None:
    """The whole of it, over thirty journeys and searched in every coding, is `lianpei wall` (tests/wall/test_wall_journeys.py)."""
    searcher = await _marks(house, walked)
    metrics = (await house.call("GET", "/metrics", door="operator")).body

    places = _emitted(stage, metrics)

    assert searcher.marks.count > 300
    assert {"gateway.log", "payment.log", "metrics", "payment.db", "gateway cmdline"} <= places.keys()
    assert [found for name, data in places.items() for found in searcher.search(name, data)] == []


async def test_f3_nothing_medical_is_on_the_wire_to_the_payment_channel(
    house: House, stage: Stage, walked: list[SampleBill]
) -> None:
    searcher = await _marks(house, walked)
    await house.settle(sample_bill("package", marks=True))
    captured = json.dumps(await house.received("pay") + await house.received("deduct")).encode()

    assert b"out_trade_no" in captured or len(captured) > 1000
    assert searcher.search("channel", captured) == []


ORDER = {
    "settlement_id": "stl_" + "0" * 26, "kind": "SELF_PAY", "amount": 100, "currency": "CNY",
}  # fmt: skip


@pytest.mark.parametrize("name", ["diagnosis", "lines", "attachment", "remark", "patient", "description", "body"])
def test_f3_an_order_with_anything_more_is_refused(name: str) -> None:
    """What the room takes is a closed list of ids, amounts and words of its own; free text has no place."""
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.json.decode(json.dumps({name: "急性上呼吸道感染"} | ORDER).encode(), type=PaymentOrder)


@pytest.mark.parametrize(
    "extra", [{"attach": "J06.900"}, {"body": "感冒"}, {"detail": {"goods": [{"name": "x"}]}}, {"zzz": 1}]
)
def test_f3_a_message_to_the_channel_with_another_name_or_text_does_not_leave(extra: dict[str, Any]) -> None:
    """The last look before the bytes go: names of the list, and fixed texts as they are fixed."""
    allowed = AllowList(ROOT / "schemas/payment/allowlist.json", "pay")

    assert allowed.refused(json.dumps(extra).encode()) != []
    assert allowed.refused(b'{"out_trade_no":"stl_1"}') == []


async def test_f4_a_thousand_odd_ids_paths_and_errors_make_no_new_series(house: House) -> None:
    async def series() -> set[str]:
        page = (await house.call("GET", "/metrics", door="operator")).body.decode()
        return {line.rpartition(" ")[0] for line in page.splitlines() if line and not line.startswith("#")}

    async def odd(number: int) -> None:
        await house.call("GET", f"/v1/orders/ord_{number:026d}")
        await house.call("GET", f"/{number}/x{number}")
        await house.call("POST", f"/v1/claims/f{number}", b"{}", {"Idempotency-Key": f"k{number}"})
        await house.call("POST", f"/partners/p{number}/x", b"{}", door="partner", proven=False)
        await house.call("OPTIONS", "/v1/claims")

    await odd(0)
    before = await series()
    for start in range(1, 201, 25):
        await asyncio.gather(*map(odd, range(start, start + 25)))
    after = await series()

    assert {one for one in after - before if "odd" in one or "x1" in one or "f1" in one} == set()
    assert len(after - before) < 10
    assert len(after) < 2000
    assert not any("ord_" in one or "/x" in one for one in after)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    opened = open_room(tmp_path / "claims.db", direct_pay=5)
    yield opened
    await opened.store.close()


async def test_f6_an_erased_bill_is_gone_from_files_and_free_pages_and_its_proof_still_holds(
    room: Room, tmp_path: Path
) -> None:
    gone, stays = await room.brought(sample_bill("package", marks=True)), await room.brought()
    await room.wish("checkpoint")
    wrapped = room.store.get("data_key", order_id=gone.order_id)
    assert wrapped is not None
    before = room.store.find("message", {"order_id": gone.order_id})

    await room.wish("erase", order_id=gone.order_id)
    await room.wish("checkpoint")
    backup = _backup(room.path, tmp_path / "backup.db")

    for place in (room.path, room.path.with_name("claims.db-wal"), backup):
        data = place.read_bytes() if place.exists() else b""
        assert wrapped["wrapped"].encode() not in data, place.name
        assert not any(mark.encode() in data for mark in planted(msgspec.to_builtins(gone.submission)))
    with pytest.raises(VaultRefused):
        room.ledger.submission(gone.order_id)
    assert [row["digest"] for row in room.store.find("message", {"order_id": gone.order_id})] == [
        row["digest"] for row in before
    ]
    assert room.ledger.submission(stays.order_id) == stays.encoded
    with closing(Snapshot(backup, CLAIMS)) as restored:
        assert check(restored, CLAIMS, lambda _: AUDIT_KEY.public_key()).findings == []


def _backup(path: Path, copy: Path) -> Path:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def _stolen(home: Path, place: Path) -> dict[str, bytes]:
    files = [file for file in sorted(home.glob("*.db*")) if file.is_file()]
    return {file.name: Path(shutil.copy2(file, place)).read_bytes() for file in files}


async def test_f9_a_copy_of_database_log_and_temporary_files_holds_no_mark(
    house: House, stage: Stage, walked: list[SampleBill], tmp_path: Path
) -> None:
    """Taken from under the running gateway, as a thief of the disk would."""
    searcher = await _marks(house, walked)
    copies = _stolen(stage.home, tmp_path)

    assert {"claims.db", "payment.db"} <= copies.keys()
    assert sum(map(len, copies.values())) > 100_000
    assert [found for name, data in copies.items() for found in searcher.search(name, data)] == []
