"""The threat model names real tests for every threat, and looks at every door and room."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "THREAT_MODEL.md").read_text("utf-8")
ROOMS = re.findall(r"^## (.+)$", TEXT, re.M)[:-1]
ROWS = re.findall(r"^\| ([STRIDE]) \| (.+?) \| (.+?) \| (.+) \|$", TEXT, re.M)
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^\s*(?:async )?def (test_\w+)", file.read_text("utf-8"), re.M)
}


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{row[1][:40]}" for row in ROWS])
def test_every_threat_is_held_by_tests_that_exist(row: tuple[str, ...]) -> None:
    named = re.findall(r"`(\w+)`", row[3])
    assert named
    assert [name for name in named if name not in TESTS] == []


def test_every_door_and_room_is_looked_at() -> None:
    wanted = ("Hospital door", "Partner door", "Operator door", "Claims room", "Clearing window", "Payment room")
    wanted += ("Store, vault", "Keys", "Mapping files", "Sandbox and supply chain")
    assert [place for place in wanted if not any(room.startswith(place) for room in ROOMS)] == []
    assert {row[0] for row in ROWS} == set("STRIDE")
    assert len(ROWS) > 40
