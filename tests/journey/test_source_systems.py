"""Every scenario of ``scenarios/`` is played on a whole house as its hospital would; those that share settings share a house.

What takes 15 seconds in life takes 1.5 here, and so does what it may take; the long form plays them in real time.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.cli.scenario.house import OpenHouse, open_house
from gateway.sandbox.scenarios.player import Player
from gateway.sandbox.scenarios.script import Scenario, load

SCENARIOS = load(Path(__file__).parents[2] / "scenarios")
_SEEDS_EACH = 100


class Houses:
    """One house for each deployment that a scenario asks for, opened at the first need."""

    def __init__(self, home: Path, keys: Path) -> None:
        self._home, self._keys = home, keys
        self._runner = asyncio.Runner()
        self._leaving = AsyncExitStack()
        self._open: dict[str, OpenHouse] = {}

    def play(self, scenario: Scenario, slow: float) -> None:
        self._runner.run(self._play(scenario, slow))

    async def _play(self, scenario: Scenario, slow: float) -> None:
        kind = json.dumps([scenario.settings, any(step.clock for step in scenario.steps)], sort_keys=True)
        if kind not in self._open:
            home = self._home / str(len(self._open))
            self._open[kind] = await self._leaving.enter_async_context(open_house(home, self._keys, scenario.settings))
        house, first = self._open[kind], 1 + _SEEDS_EACH * SCENARIOS.index(scenario)
        await Player(house.session, house.urls, house.clock.turn, first, slow).play(scenario)

    def close(self) -> None:
        self._runner.run(self._leaving.aclose())
        self._runner.close()


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Iterator[Houses]:
    opened = Houses(tmp_path_factory.mktemp("systems"), stage_home / "keys")
    yield opened
    opened.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_source_system_works_as_told(houses: Houses, scenario: Scenario) -> None:
    houses.play(scenario, 0.1)


@pytest.mark.long
@pytest.mark.parametrize(
    "scenario", [one for one in SCENARIOS if any(step.within for step in one.steps)], ids=lambda one: one.name
)
def test_a_source_system_keeps_its_times_in_real_time(houses: Houses, scenario: Scenario) -> None:
    houses.play(scenario, 1.0)
