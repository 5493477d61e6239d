"""Keys for the interop tests, and the vectors that others made."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.wire.devkeys import create_development_keys
from gateway.wire.keys import KeyRing

VECTORS = Path(__file__).parent / "vectors"


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    directory = tmp_path_factory.mktemp("interop-keys")
    create_development_keys(directory)
    return KeyRing.from_directory(directory)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def vector() -> Any:
    def load(name: str) -> Any:
        return json.loads((VECTORS / name).read_text("utf-8"))

    return load
