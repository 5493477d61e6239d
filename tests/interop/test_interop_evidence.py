"""The recipe of docs/evidence.md, run as it stands there by a shell and the openssl command line."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.room import AUDIT_KEY, open_room

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/unit/evidence"))
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402
from evidence_kit import unzipped  # noqa: E402


def recipe() -> str:
    found = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/evidence.md").read_text("utf-8"), re.S)
    assert len(found) == 1
    return str(found[0])


def run(folder: Path) -> tuple[int, str]:
    environment = {**os.environ, "KEY": str(folder.parent / "operator.pem")}
    done = subprocess.run(["sh", "-c", recipe()], cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """An unzipped bundle beside the operator's key."""
    room = open_room(tmp_path / "claims.db")
    bill = await room.brought()
    made = await room.wish("evidence", claim_id=bill.claims[0].claim_id, reveal=["split.total", "approved"])
    await room.store.close()
    place = tmp_path / "bundle"
    for name, content in unzipped(made["bundle"]).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    key = AUDIT_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "operator.pem").write_bytes(key)
    return place


def test_the_recipe_proves_a_good_bundle(folder: Path) -> None:
    status, said = run(folder)
    assert status == 0, said
    assert '["field","approved",' in said
    assert '"_table":"bill"' in said
    assert "WRONG" not in said


@pytest.mark.parametrize(
    ("start", "old", "new"),
    [
        ("fields/", ",100]", ",900]"),
        ("rows/0002", "sent", "SENT"),
        ("chain/", '"at":1', '"at":2'),
        ("checkpoints/", '"root":"', '"root":"0'),
    ],
)
def test_the_recipe_finds_what_was_forged(folder: Path, start: str, old: str, new: str) -> None:
    place = next(path for path in sorted(folder.rglob("*.json")) if str(path.relative_to(folder)).startswith(start))
    text = place.read_text("utf-8")
    assert old in text
    place.write_text(text.replace(old, new, 1), "utf-8")
    status, said = run(folder)
    assert status != 0
    assert "WRONG" in said


def beside_the_proofs(folder: Path) -> str:
    """A field that no proof names."""
    (folder / "fields/99999.json").write_text('["field","approved","0f",99900]')
    return "fields/99999.json"


def under_a_name_that_reads_like_many(folder: Path) -> str:
    """A row proven by an entry of the forger's own, whose name matches a genuine one where names are taken for patterns."""
    row, entry = folder / "rows/9999-change.json", folder / "chain/..json"
    row.write_text('{"_table":"change","new":"99900"}')
    entry.write_text(f'{{"rows":["{hashlib.sha256(row.read_bytes()).hexdigest()}"]}}')
    proofs = folder / "proofs.txt"
    proofs.write_text(f"row rows/{row.name} chain/{entry.name}\n{proofs.read_text('utf-8')}", "utf-8")
    return "rows/9999-change.json"


def under_an_entry_that_is_only_mentioned(folder: Path) -> str:
    forged = under_a_name_that_reads_like_many(folder)
    proofs = folder / "proofs.txt"
    proofs.write_text(f"note entry chain/..json checkpoints/1.json\n{proofs.read_text('utf-8')}", "utf-8")
    return forged


def without_a_file(folder: Path) -> str:
    next(folder.glob("rows/*-bill.json")).unlink()
    return "rows/0001-bill.json"


@pytest.mark.parametrize(
    "forge",
    [
        beside_the_proofs,
        under_a_name_that_reads_like_many,
        under_an_entry_that_is_only_mentioned,
        without_a_file,
    ],
)
def test_the_recipe_shows_nothing_that_no_signed_entry_proves(folder: Path, forge: Callable[[Path], str]) -> None:
    forged = forge(folder)
    status, said = run(folder)
    assert status != 0
    assert said.strip().splitlines()[-1] == f"WRONG {forged}"
    assert "99900" not in said
