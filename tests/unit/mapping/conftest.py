"""A workshop for every test here; each compares both back ends."""

from pathlib import Path

import pytest
from support.both import both_back_ends  # noqa: F401 - every test here compares both back ends
from support.workshop import Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)
