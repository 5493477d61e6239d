"""One running house for all tests that only use it: real processes, real sockets, real files."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from support.doorstage import DoorStage, EvilInsurer
from support.house import House
from support.postgres import Server
from support.unknownstage import UnknownStage

from gateway.cli.ports import free_ports
from gateway.cli.stage import FIVE, Stage

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    """A change is judged by the same examples every time; the long form explores new ones."""
    long_form = config.getoption("markexpr") == "long"
    settings.load_profile("explore" if long_form else "same")


INVENTED = ("gbk-soap", "padded-xml")
"""Insurers with a simulator that the demo does not show."""


@pytest.fixture(scope="session")
def stage_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stage")


@pytest.fixture(scope="session")
def stage(stage_home: Path) -> Iterator[Stage]:
    """Sandbox, payment room and gateway. A test that stops a process starts it again."""
    with Stage(stage_home, free_ports(*INVENTED), stage_home / "keys", insurers=FIVE + INVENTED) as running:
        running.ready()
        yield running


@pytest.fixture
async def house(stage: Stage) -> AsyncIterator[House]:
    async with House(stage) as open_house:
        yield open_house


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server for all tests that only use it; each makes its own database."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def narrow(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Iterator[DoorStage]:
    """A gateway of its own with narrow doors and little patience; see ``support.doorstage``."""
    home = tmp_path_factory.mktemp("narrow")
    ports = free_ports()
    with DoorStage(home, ports, stage_home / "keys", evil_port=ports["payment"]) as running:
        yield running


@pytest.fixture
async def ward(narrow: DoorStage) -> AsyncIterator[House]:
    """Hospital one, who must be served whatever happens at the doors."""
    async with House(narrow) as house:
        yield house


@pytest.fixture(scope="session")
def unsure(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Iterator[UnknownStage]:
    """A house whose insurers' folders give up soon; see ``support.unknownstage``."""
    with UnknownStage(tmp_path_factory.mktemp("unsure"), free_ports(), stage_home / "keys") as running:
        yield running


@pytest.fixture
async def clinic(unsure: UnknownStage) -> AsyncIterator[House]:
    async with House(unsure) as house:
        yield house


@pytest.fixture
async def evil(narrow: DoorStage) -> AsyncIterator[EvilInsurer]:
    async with EvilInsurer(narrow) as insurer:
        yield insurer
