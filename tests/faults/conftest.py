"""The narrow gateway that all tests of the doors share."""

from collections.abc import AsyncIterator, Iterator

import pytest
from support.doorstage import DoorStage, EvilInsurer
from support.house import House

from gateway.cli.stage import free_ports


@pytest.fixture(scope="session")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoorStage]:
    home = tmp_path_factory.mktemp("narrow")
    ports = free_ports()
    with DoorStage(home, ports, home / "keys", evil_port=ports["payment"]) as running:
        yield running


@pytest.fixture
async def ward(narrow: DoorStage) -> AsyncIterator[House]:
    """Hospital one, who must be served whatever happens at the doors."""
    async with House(narrow) as house:
        yield house


@pytest.fixture
async def evil(narrow: DoorStage) -> AsyncIterator[EvilInsurer]:
    async with EvilInsurer(narrow) as insurer:
        yield insurer
