"""Every shipped mapping folder, opened as the tools open it, once per session."""

from functools import cache
from pathlib import Path

from gateway.cli.maptools.place import Place, find_place
from gateway.mapping.loader import Loaded

ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = ROOT / "mappings"
WRITING = sorted(
    str(folder.relative_to(MAPPINGS)) for kind in ("insurers", "payment") for folder in (MAPPINGS / kind).iterdir()
)
READING = sorted(folder.name for folder in (MAPPINGS / "hospitals").iterdir())


@cache
def place_of(folder: str) -> Place:
    return find_place(str(MAPPINGS / folder), MAPPINGS)


@cache
def loaded(folder: str) -> Loaded:
    found = place_of(folder).loaded()
    assert found.mistakes == []
    return found
