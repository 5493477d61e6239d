"""Cases B1, B3, B4, B6: a killed process and a failing disk lose nothing acknowledged and invent nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from support.store_tables import CLAIMS

from gateway.store.sqlite import Store

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}

# Acknowledges each committed unit on stdout, one atomic write per id, so that the parent holds the truth after SIGKILL.
WRITE_FOR_EVER = """
import asyncio, os, sys
from support.store_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

async def main():
    store = Store.open(sys.argv[1], CLAIMS)
    async def caller(number):
        step = 0
        while True:
            name = f"{sys.argv[2]}-{number}-{step}"
            unit = Unit().insert("setting", name=name, value="v" * 100)
            unit.insert("change", order_id=name, field="f", new="x", cause="c", at=1)
            await store.commit(unit)
            os.write(1, (name + "\\n").encode())
            step += 1
    await asyncio.gather(*(caller(number) for number in range(32)))

asyncio.run(main())
"""

# Lowers the largest file size under the running store, then lifts it: a full disk that someone makes room on.
FILL_THE_DISK = """
import asyncio, resource, signal, sys
from support.store_tables import CLAIMS
from gateway.store.errors import StoreFailed
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = Store.open(sys.argv[1], CLAIMS)
    failures = set()
    async def write(name):
        try:
            await store.commit(Unit().insert("vault", record_id=name, kind="k", blob=b"b" * 20_000))
        except StoreFailed as failed:
            failures.add(failed.error_code)
            print("failed", name)
        else:
            print("acknowledged", name)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    for round in range(12):
        await asyncio.gather(*(write(f"{round}-{number}") for number in range(8)))
    print("ready", store.ready, *failures)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await write("after")
    print("ready", store.ready)
    await store.close()

asyncio.run(main())
"""


def spawn(program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT / "tests",
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
    )


def tear(log: Path, keep: int) -> None:
    """Keep the first bytes of the log, or (negative) all but the last."""
    os.truncate(log, log.stat().st_size + keep if keep < 0 else keep)


def acknowledged_until_killed(path: Path, mark: str, enough: int) -> set[str]:
    """Run the writer until it has acknowledged some rows, kill it in mid-load, and return every id it acknowledged."""
    writer = spawn(WRITE_FOR_EVER, str(path), mark)
    assert writer.stdout is not None
    head = [writer.stdout.readline() for _ in range(enough)]
    writer.send_signal(signal.SIGKILL)
    lines = head + writer.stdout.read().splitlines(keepends=True)
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    return {line.decode().strip() for line in lines if line.endswith(b"\n")}


async def test_b1_a_process_killed_in_mid_load_loses_no_acknowledged_unit_and_leaves_no_half_of_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "claims.db"
    acknowledged: set[str] = set()
    for number in range(5):
        acknowledged |= acknowledged_until_killed(path, f"round{number}", 150 + 137 * number)
    store = Store.open(path, CLAIMS)
    await store.close()
    with apsw.Connection(str(path)) as connection:
        kept = {row[0] for row in connection.execute("SELECT name FROM setting")}
        halves = {row[0] for row in connection.execute("SELECT order_id FROM change")}
    connection.close()
    assert len(acknowledged) > 1000
    assert acknowledged <= kept
    assert kept == halves


async def test_b3_a_full_disk_is_said_nothing_is_falsely_acknowledged_and_room_made_is_used(tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    program = spawn(FILL_THE_DISK, str(path))
    output, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    lines = [line.split() for line in output.decode().splitlines()]
    told = {kind: {line[1] for line in lines if line[0] == kind} for kind in ("acknowledged", "failed")}
    assert [line[1:] for line in lines if line[0] == "ready"] == [["False", "store-failed"], ["True"]]
    assert len(told["acknowledged"]) > 5
    assert len(told["failed"]) > 5
    store = Store.open(path, CLAIMS)
    kept = {row["record_id"] for row in store.find("vault", {}, limit=1000)}
    await store.close()
    assert kept == told["acknowledged"]
    assert "after" in kept


async def test_b4_after_a_failed_fsync_the_store_never_says_yes_again(tmp_path: Path) -> None:
    program = spawn(FAIL_FSYNC, str(tmp_path / "claims.db"))
    output, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    assert output.decode().split() == ["yes", "store-failed", "store-failed", "store-failed", "ready=False"]


# A virtual file system that hands everything to the real one and fails the log's fsync when told.
FAIL_FSYNC = """
import asyncio, sys
import apsw
from support.store_tables import CLAIMS
from gateway.store.errors import StoreFailed
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

broken = False

class File(apsw.VFSFile):
    def xSync(self, flags):
        if broken:
            raise apsw.IOError("fsync") from None
        return super().xSync(flags)

class Disk(apsw.VFS):
    def __init__(self):
        super().__init__("failing", base="unix", makedefault=True)
    def xOpen(self, name, flags):
        return File("unix", name, flags)

async def main():
    global broken
    disk = Disk()
    store = Store.open(sys.argv[1], CLAIMS)
    async def write(name):
        try:
            await store.commit(Unit().insert("setting", name=name, value="v"))
            print("yes")
        except StoreFailed as failed:
            print(failed.error_code)
    await write("a")
    broken = True
    await write("b")
    broken = False
    await write("c")
    await write("d")
    print(f"ready={store.ready}")
    await store.close()

sys.unraisablehook = lambda _: None
asyncio.run(main())
"""


@pytest.mark.parametrize("keep", [1, 24, 32, 4096 + 56, -1])
async def test_b6_a_torn_log_gives_back_a_whole_earlier_state_and_never_half_a_unit(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "claims.db"
    acknowledged_until_killed(path, "r", 100)
    log = Path(f"{path}-wal")
    tear(log, keep)
    store = Store.open(path, CLAIMS)
    assert store.count("setting", {}) == store.count("change", {})
    await store.close()
