"""Cases B4 and B5: each call to the disk fails once in turn; each sync takes 50 ms, or two seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}

# A process of its own, because a virtual file system is the whole process's.
FAIL_IN_TURN = """
import asyncio, sys
from pathlib import Path
from support.disks import FailingDisk
from support.store_tables import CLAIMS
from gateway.kernel.errors import LianpeiError
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

disk = FailingDisk()

async def acknowledged_by(path):
    names, store = set(), None
    try:
        store = Store.open(path, CLAIMS)
        for number in range(3):
            try:
                unit = Unit().insert("setting", name=f"n{number}", value="v" * 3000)
                await store.commit(unit.insert("change", order_id=f"n{number}", field="f", new="x", cause="c", at=1))
                names.add(f"n{number}")
                if number == 1:
                    await store.checkpoint()
            except LianpeiError:
                pass
    except LianpeiError:
        pass
    if store is not None:
        await store.close()
    return names

async def kept_by(path):
    store = Store.open(path, CLAIMS)
    names = {row["name"] for row in store.find("setting", {}, limit=100)}
    halves = {row["order_id"] for row in store.find("change", {}, limit=100)}
    await store.close()
    return names, halves

async def main():
    lies = failed = noticed = n = 0
    while True:
        n += 1
        path = Path(sys.argv[1]) / f"claims{n}.db"
        disk.fail(n)
        acknowledged = await acknowledged_by(path)
        if not disk.has_failed:
            break
        disk.fail(0)
        names, halves = await kept_by(path)
        failed += 1
        noticed += len(acknowledged) < 3
        lies += not acknowledged <= names or names != halves
    print(failed, noticed, lies, len(acknowledged))

sys.unraisablehook = lambda _: None
asyncio.run(main())
"""

SLOW_SYNC = """
import asyncio, sys, time
from pathlib import Path
from support import disks
from support.store_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

async def main():
    pause = Path(sys.argv[1]) / "pause"
    disks.install(sys.argv[1] + "/kept", str(pause))
    store = Store.open(sys.argv[1] + "/claims.db", CLAIMS)
    pause.write_text(sys.argv[2])
    before, waits = store.counters.groups, []
    async def caller(number):
        for step in range(int(sys.argv[3])):
            asked = time.monotonic()
            await store.commit(Unit().insert("setting", name=f"{number}-{step}", value="v"))
            waits.append(time.monotonic() - asked)
    await asyncio.gather(*(caller(number) for number in range(64)))
    print(len(waits), store.counters.groups - before, max(waits), store.ready)
    pause.unlink()
    await store.close()

asyncio.run(main())
"""


def run(program: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_b4_each_call_to_the_disk_fails_once_and_nothing_acknowledged_is_missing(tmp_path: Path) -> None:
    failed, noticed, lies, whole = map(int, run(FAIL_IN_TURN, str(tmp_path)))
    print(failed, noticed)
    assert lies == 0
    assert whole == 3, "without a failure everything is acknowledged"
    assert failed > 40, "calls that failed, one in each round"
    assert noticed > 10, "some failures were noticed by who waited"


@pytest.mark.parametrize(("pause_s", "steps"), [("0.05", "6"), ("2", "1")])
def test_b5_while_a_sync_is_slow_commits_share_it_and_nobody_is_refused(
    tmp_path: Path, pause_s: str, steps: str
) -> None:
    """64 callers: a commit waits for the sync under way and for its own, however many wait with it."""
    count, groups, longest, ready = run(SLOW_SYNC, str(tmp_path), pause_s, steps)
    assert int(count) == 64 * int(steps)
    assert int(groups) <= 2 * int(steps) + 2
    assert float(longest) < 3 * float(pause_s) + 1
    assert ready == "True"
