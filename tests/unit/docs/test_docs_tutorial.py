"""The tutorial is true: its commands, run again from an empty folder, print what it shows."""

from pathlib import Path

import pytest
from tutorial_walk import walked, workplace

PAGE = Path("docs/mapping-tutorial.md")


def test_the_walk_prints_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = PAGE.read_text("utf-8")
    workplace(tmp_path, Path.cwd())
    monkeypatch.chdir(tmp_path)
    assert walked(shown) == shown
