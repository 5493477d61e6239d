"""One running house for all tests that only use it: real processes, real sockets, real files."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.house import House

from gateway.cli.stage import Stage, free_ports


@pytest.fixture(scope="session")
def stage_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stage")


@pytest.fixture(scope="session")
def stage(stage_home: Path) -> Iterator[Stage]:
    """Sandbox, payment room and gateway. A test that stops a process starts it again."""
    with Stage(stage_home, free_ports(), stage_home / "keys") as running:
        running.ready()
        yield running


@pytest.fixture
async def house(stage: Stage) -> AsyncIterator[House]:
    async with House(stage) as open_house:
        yield open_house
