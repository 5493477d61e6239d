"""Locks 1 and 2: the payment room names no claims module in any spelling, and loading all of it loads none."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from imports import dynamic_calls, named_modules, room_of

HOUSE = Path(__file__).parents[2]
BELOW = frozenset({"mapping", "wire", "store", "telemetry"})
MAY_NAME: dict[str, frozenset[str]] = {
    "kernel": frozenset(),
    **{room: frozenset({"kernel"}) for room in BELOW},
    "claims": BELOW | {"kernel"},
    "payment": BELOW | {"kernel"},
    "clearing": BELOW | {"kernel", "claims", "payment"},
    "sandbox": frozenset({"kernel"}),
}
DEVELOPERS_COMMAND = HOUSE / "gateway" / "mapping" / "__main__.py"
"""Names the canonical model in texts as the default of an option; it is no part of the program (see lock 2)."""


def files(room: str) -> list[Path]:
    found = sorted((HOUSE / "gateway" / room).rglob("*.py"))
    assert found, f"{room} is empty: the scan would prove nothing"
    return [path for path in found if path != DEVELOPERS_COMMAND]


def test_the_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 broken" in done.stdout


def test_every_part_that_serves_is_kept_from_the_sandbox() -> None:
    """A new part is in the contract from its first day; only the commands start simulators."""
    with (HOUSE / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    kept = {
        room
        for one in contracts
        if one.get("forbidden_modules") == ["gateway.sandbox"]
        for room in one["source_modules"]
    }
    parts = {path.stem for path in (HOUSE / "gateway").iterdir() if not path.name.startswith("__")}

    assert kept == {f"gateway.{part}" for part in parts - {"cli", "sandbox"}}


@pytest.mark.parametrize("room", sorted(MAY_NAME))
def test_no_file_names_a_room_it_may_not_know(room: str) -> None:
    wrong = [
        f"{path.relative_to(HOUSE)}:{line} {module}"
        for path in files(room)
        for line, module in named_modules(path, HOUSE)
        if room_of(module) not in MAY_NAME[room] | {room, ""}
    ]

    assert wrong == []


@pytest.mark.parametrize("room", ["payment", "clearing", "kernel", "wire", "store", "telemetry"])
def test_no_code_is_loaded_by_a_text(room: str) -> None:
    assert [
        f"{path.relative_to(HOUSE)}:{line} {name}" for path in files(room) for line, name in dynamic_calls(path)
    ] == []


@pytest.mark.parametrize(
    "code",
    [
        "import gateway.claims.bill",
        "from gateway import claims",
        "from gateway.claims.canonical import claim",
        "def f():\n    from gateway.claims import bill",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import gateway.claims.bill",
        "from ..claims import bill",
        "from .. import claims",
        "import importlib\nimportlib.import_module('gateway.claims.bill')",
        "NAME = 'gateway.claims.canonical.claim:Submission'",
    ],
)
def test_the_scan_sees_every_way_to_name_a_module(tmp_path: Path, code: str) -> None:
    file = tmp_path / "gateway" / "payment" / "odd.py"
    file.parent.mkdir(parents=True)
    file.write_text(code, encoding="utf-8")

    assert "claims" in {room_of(module) for _, module in named_modules(file, tmp_path)}


def test_the_scan_sees_code_loaded_by_a_text(tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_text("import importlib as i\ni.import_module(a + b)\n__import__(x)\n", encoding="utf-8")

    assert [name for _, name in dynamic_calls(file)] == ["import_module", "__import__"]


def loaded_by(package: str, house: Path = HOUSE) -> set[str]:
    """What a fresh interpreter has loaded after importing every module of a package."""
    program = (
        "import importlib, pkgutil, sys\n"
        f"package = importlib.import_module({package!r})\n"
        "for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=house, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_loading_all_of_payment_loads_nothing_of_claims() -> None:
    loaded = loaded_by("gateway.payment")

    assert "gateway.payment.room" in loaded
    assert {room_of(module) for module in loaded} - {""} <= BELOW | {"kernel", "payment"}
    assert "gateway.mapping.__main__" not in loaded


def test_loading_the_window_loads_no_claims_code_because_it_reads_rows_and_not_records() -> None:
    assert {room_of(module) for module in loaded_by("gateway.clearing")} - {""} <= BELOW | {
        "kernel",
        "payment",
        "clearing",
    }


def test_the_same_look_at_the_claims_room_does_see_claims() -> None:
    """So that the locks above can fail."""
    assert "gateway.claims.bill" in loaded_by("gateway.claims")
