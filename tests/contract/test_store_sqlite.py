"""What the embedded store promises about its file: one owner, the right room, private, whole, and brought forward."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.store_tables import BILL, CLAIMS

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.store import writer
from gateway.store.errors import StoreFailed
from gateway.store.payment_tables import PAYMENT
from gateway.store.sqlite import Store
from gateway.store.tables import INT, TEXT, Schema, Table
from gateway.store.unit import Unit
from gateway.store.vault import Vault

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}

OPEN_AND_REPORT = """
import sys
from gateway.kernel.errors import ConfigRefused
from support.store_tables import CLAIMS
from gateway.store.sqlite import Store
try:
    Store.open(sys.argv[1], CLAIMS)
except ConfigRefused as refused:
    print(refused.error_code, refused.hint)
"""


def report_of_another_process(path: Path) -> str:
    program = [sys.executable, "-c", OPEN_AND_REPORT, str(path)]
    return subprocess.run(
        program,
        cwd=ROOT / "tests",
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def everything_in(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def modes_in(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


async def fill(path: Path, count: int = 200) -> None:
    store = Store.open(path, CLAIMS)
    unit = Unit()
    for number in range(count):
        unit.insert("setting", name=f"name-{number:06d}", value="v" * 200)
    await store.commit(unit)
    await store.close()


async def test_a_second_process_is_refused_and_told_why(tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    store = Store.open(path, CLAIMS)
    assert (await asyncio.to_thread(report_of_another_process, path)).startswith(
        "store-in-use One gateway process per database file"
    )
    with pytest.raises(ConfigRefused):
        Store.open(path, CLAIMS)
    await store.close()
    await Store.open(path, CLAIMS).close()


async def test_one_room_never_opens_the_other_rooms_file(tmp_path: Path) -> None:
    await fill(tmp_path / "claims.db", 1)
    with pytest.raises(ConfigRefused) as refused:
        Store.open(tmp_path / "claims.db", PAYMENT)
    assert refused.value.error_code == "store-foreign"
    await Store.open(tmp_path / "claims.db", CLAIMS).close()


async def test_a_path_that_cannot_be_written_is_a_matter_of_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused) as refused:
        Store.open(tmp_path / "missing" / "claims.db", CLAIMS)
    assert refused.value.error_code == "store-path"


async def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    await store.commit(Unit().insert("setting", name="a", value="b"))
    modes = modes_in(tmp_path)
    assert set(modes) >= {"claims.db", "claims.db-wal", "claims.db.lock"}
    assert set(modes.values()) == {0o600}
    await store.close()


async def test_a_checkpoint_and_a_close_leave_everything_in_the_main_file(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    await store.commit(Unit().insert("setting", name="mark-before", value="b"))
    await store.checkpoint()
    assert b"mark-before" in (tmp_path / "claims.db").read_bytes()
    await store.commit(Unit().insert("setting", name="mark-after", value="b"))
    await store.close()
    assert b"mark-after" in (tmp_path / "claims.db").read_bytes()
    assert not (tmp_path / "claims.db-wal").exists()


@pytest.mark.parametrize("damage", ["page", "head", "tail"])
async def test_a_damaged_file_is_not_served(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "claims.db"
    await fill(path)
    content = bytearray(path.read_bytes())
    if damage == "page":
        content[-3 * 4096 : -2 * 4096] = b"\xff" * 4096
    elif damage == "head":
        content[:32] = b"x" * 32
    else:
        del content[-2 * 4096 :]
    path.write_bytes(content)
    with pytest.raises(StoreFailed) as refused:
        Store.open(path, CLAIMS)
    assert refused.value.error_code == "store-corrupt"


async def test_a_newer_schema_brings_the_file_forward_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    await fill(path, 3)
    wider = replace(BILL, columns={**BILL.columns, "channel": TEXT}, indexes=(*BILL.indexes, ("channel",)))
    extra = Table("extra", {"name": TEXT, "size": INT}, key=("name",))
    newer = Schema((*(wider if table is BILL else table for table in CLAIMS.tables), extra), 2, "claims")
    store = Store.open(path, newer)
    await store.commit(Unit().insert("bill", order_id="o", hospital="h", idem_key="k", channel="c"))
    await store.commit(Unit().insert("extra", name="n", size=1))
    assert store.count("setting", {}) == 3
    assert [row["order_id"] for row in store.find("bill", {"channel": "c"})] == ["o"]
    await store.close()
    with pytest.raises(ConfigRefused) as refused:
        Store.open(path, CLAIMS)
    assert refused.value.error_code == "store-newer"


async def test_a_file_that_is_too_old_to_be_read_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    await fill(path, 3)
    before = path.read_bytes()
    with pytest.raises(ConfigRefused) as refused:
        Store.open(path, Schema(CLAIMS.tables, CLAIMS.version + 2, "claims", oldest=CLAIMS.version + 1))
    assert refused.value.error_code == "store-older"
    assert path.read_bytes() == before


async def test_no_plain_text_of_a_sealed_record_reaches_the_disk_and_an_erased_one_leaves_no_trace(
    tmp_path: Path,
) -> None:
    canary = "张三-canary-诊断-7f3a".encode() * 40
    vault, _ = Vault({"m1": Secret(bytes(32))}, "m1", Secret(bytes(32))).new_bill("o1")
    sealed = vault.seal("rec1", canary, "bill")
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    await store.commit(Unit().insert("vault", record_id="rec1", kind="bill", blob=sealed))
    row = store.get("vault", record_id="rec1")
    assert row is not None
    assert vault.open("rec1", row["blob"], "bill") == canary
    await store.checkpoint()
    on_disk = b"".join(everything_in(tmp_path).values())
    assert canary[:20] not in on_disk
    assert sealed[:60] in on_disk
    await store.commit(Unit().delete("vault", {"record_id": "rec1"}))
    await store.close()
    assert sealed[5:60] not in b"".join(everything_in(tmp_path).values())


async def test_what_comes_in_the_next_turns_of_the_loop_joins_the_group(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "claims.db", CLAIMS)

    async def caller(turns: int) -> None:
        for _ in range(turns * (writer.QUIET_TURNS - 1)):
            await asyncio.sleep(0)
        await store.commit(Unit().insert("setting", name=f"name-{turns}", value="v"))

    await asyncio.gather(*(caller(turns) for turns in range(8)))
    assert store.counters.units == 8
    assert store.counters.groups == 1
    await store.close()


async def together(store: Store, names: range, pause_s: float = 0.0) -> None:
    async def caller(number: int) -> None:
        await asyncio.sleep(pause_s * (number - names.start))
        await store.commit(Unit().insert("setting", name=f"name-{number}", value="v"))

    await asyncio.gather(*(caller(number) for number in names))


async def test_a_group_waits_for_as_many_as_wrote_together_last_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "COMPANY_S", 3600)
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    async with asyncio.timeout(60):
        await together(store, range(5))
        await together(store, range(5, 10), pause_s=0.02)
    assert store.counters.groups == 2
    await store.close()


async def test_who_does_not_come_again_is_waited_for_once_and_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    async with asyncio.timeout(60):
        await together(store, range(5))
        await together(store, range(5, 6))
        monkeypatch.setattr(writer, "COMPANY_S", 3600)
        await together(store, range(6, 7))
    assert store.counters.groups == 3
    await store.close()


async def test_a_stream_without_end_does_not_hold_the_first_of_a_group_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_GROUP", 10**9)
    store = Store.open(tmp_path / "claims.db", CLAIMS, max_waiting=10**9)
    first = asyncio.ensure_future(store.commit(Unit().insert("setting", name="first", value="v")))
    later = []
    async with asyncio.timeout(20):
        while not first.done():
            unit = Unit().insert("setting", name=f"later-{len(later)}", value="v")
            later.append(asyncio.ensure_future(store.commit(unit)))
            await asyncio.sleep(0)
    assert first.exception() is None
    assert not later[-1].done()
    await asyncio.gather(*later)
    await store.close()
