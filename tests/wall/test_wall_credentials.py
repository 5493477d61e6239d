"""Lock 4, by trying: a process with the payment room's user, files and keys gets nothing out of the claims room's data."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.bills import sample_bill
from support.house import House

from gateway.cli.stage import Stage

HOUSE = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("attempts.py")
NOTHING = {"rows": 0, "records": 0, "socket": 0, "keys": 0}


@dataclass(frozen=True)
class Claims:
    """The claims room's data in a directory that any user may walk into, so that only the files' own modes keep him out."""

    database: Path
    keeper: Path
    keys: Path


@pytest.fixture
async def claims(house: House, stage: Stage) -> None:
    await house.settle(sample_bill("package", marks=True))


@pytest.fixture
def exposed(claims: None, stage: Stage) -> Iterator[Claims]:
    with tempfile.TemporaryDirectory(prefix="lianpei-lock4-") as place:
        Path(place).chmod(0o755)
        database, keys = Path(place) / "claims.db", Path(place) / "keys"
        shutil.copytree(stage.keys, keys)
        with closing(sqlite3.connect(stage.home / "claims.db")) as source, closing(sqlite3.connect(database)) as copy:
            source.backup(copy)
        shutil.copymode(stage.home / "claims.db", database)
        keeper = Path(place) / "keeper"
        keeper.symlink_to(stage.home / "claims.db.keeper")
        yield Claims(database, keeper, keys)


def tried(keys: Path, claims: Claims, *more: str) -> dict[str, int]:
    arguments = [str(path) for path in (keys, claims.database, claims.keeper, claims.keys)]
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *arguments, *more],
        cwd=HOUSE,
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_another_user_reads_no_row_no_key_and_is_not_spoken_to(stage: Stage, exposed: Claims) -> None:
    """Root becomes somebody else and tries; who can't change his user reads what the kernel would judge by."""
    if os.getuid() == 0:
        assert tried(stage.home / "payment-keys", exposed, "--as-nobody") == NOTHING
    else:
        assert not any(path.stat().st_mode & 0o077 for path in (exposed.database, exposed.keys, exposed.keeper))


def test_what_the_claims_room_writes_is_its_owners_alone(claims: None, stage: Stage) -> None:
    private = [stage.keys, *stage.keys.glob("*.secret"), *stage.keys.glob("*.key.pem")]
    private += [stage.home / name for name in ("claims.db", "claims.db-wal", "claims.db-shm", "claims.db.keeper")]
    assert len(private) > 20
    assert {path.name: stat.filemode(path.stat().st_mode)[4:] for path in private if path.stat().st_mode & 0o077} == {}


def test_a_stolen_copy_opens_with_no_key_that_the_payment_room_has(stage: Stage, exposed: Claims) -> None:
    """The same user, the database in hand, and every secret of the payment room tried as a master key."""
    reached = tried(stage.home / "payment-keys", exposed)
    assert reached["rows"] > 0
    assert reached["records"] == 0


def test_the_same_attempts_with_the_claims_rooms_keys_open_everything(stage: Stage, exposed: Claims) -> None:
    """So that the locks above can fail: this is what a vault key among the payment room's keys would do."""
    reached = tried(stage.keys, exposed)
    assert reached["records"] > 3
    assert reached["socket"] == 1
    assert reached["keys"] > 20


def test_a_vault_key_that_strays_to_the_payment_room_is_noticed(stage: Stage, exposed: Claims, tmp_path: Path) -> None:
    strayed = tmp_path / "payment-keys"
    shutil.copytree(stage.home / "payment-keys", strayed)
    shutil.copy2(stage.keys / "vault-claims.secret", strayed)
    assert tried(strayed, exposed)["records"] > 3


def test_the_running_payment_process_holds_no_file_of_the_claims_room(claims: None, stage: Stage) -> None:
    process = Path("/proc") / str(stage.processes["payment"].pid)
    opened = {os.readlink(link) for link in (process / "fd").iterdir() if link.exists()}
    assert str(stage.home / "payment.db") in opened
    assert [name for name in opened if "claims.db" in name or str(stage.keys) in name] == []


def test_the_payment_rooms_settings_start_no_gateway_and_do_no_chore_of_the_vault(stage: Stage) -> None:
    for command in (["gateway"], ["vault", "retention"]):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *command, "--config", str(stage.home / "payment.toml")],
            cwd=HOUSE,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert "no [claims] part" in done.stderr
