"""Keys for the wire tests: one development set per test session, made by the same code that users run."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.wire.devkeys import create_development_keys
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Seal, build_seal


@pytest.fixture(scope="session")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    create_development_keys(directory)
    return directory


@pytest.fixture(scope="session")
def keys(key_directory: Path) -> KeyRing:
    return KeyRing.from_directory(key_directory)


@pytest.fixture
def now() -> datetime:
    """An instant inside the development certificates' life."""
    return datetime.now(UTC)


@pytest.fixture
def ends(keys: KeyRing) -> Callable[..., tuple[Seal, Seal]]:
    """The gateway's seal and the insurer's, each with the other's public key."""

    def build(profile: str, gateway_key: str, insurer_key: str, **settings: Any) -> tuple[Seal, Seal]:
        ours = build_seal({"profile": profile, "own_key": gateway_key, "peer_key": insurer_key, **settings}, keys)
        theirs = build_seal({"profile": profile, "own_key": insurer_key, "peer_key": gateway_key, **settings}, keys)
        return ours, theirs

    return build
