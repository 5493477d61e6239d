"""Every scenario of ``scenarios/`` is played as its hospital would, all in one house: it has every hospital that they name.

Where the payment room's settings differ, it starts again with them. What turns the clock is played last, because a clock
never goes back. What an insurer thinks for 15 seconds in life takes 1.5 here, and the 13.5 that are saved count as if they
had passed; the long form plays it in real time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.scenario.house import OpenHouse, open_house
from gateway.sandbox.scenarios.player import Player
from gateway.sandbox.scenarios.script import Scenario, load

FILES = load(Path(__file__).parents[2] / "scenarios")
SCENARIOS = sorted(FILES, key=lambda one: any(step.clock for step in one.steps))
EVERYBODY = [one for scenario in FILES for one in scenario.settings.get("hospitals", ())]
_SEEDS_EACH = 100


class Stageplay:
    """The one house, opened at the first need."""

    def __init__(self, home: Path, keys: Path) -> None:
        self._home, self._keys = home, keys
        self._runner = asyncio.Runner()
        self._leaving = AsyncExitStack()
        self._house: OpenHouse | None = None
        self._paid_by: dict[str, Any] = {}

    def play(self, scenario: Scenario, slow: float) -> None:
        self._runner.run(self._play(scenario, slow))

    async def _play(self, scenario: Scenario, slow: float) -> None:
        if self._house is None:
            opened = open_house(self._home, self._keys, {"hospitals": EVERYBODY})
            self._house = await self._leaving.enter_async_context(opened)
        house, first = self._house, 1 + _SEEDS_EACH * SCENARIOS.index(scenario)
        wished = {part: wish for part, wish in scenario.settings.items() if part != "hospitals"}
        assert set(wished) <= {"payment"}, "a further part needs a house of its own"
        if wished != self._paid_by:
            await house.pay_by(wished)
            self._paid_by = wished
        await Player(house.session, house.urls, house.clock.turn, first, slow).play(scenario)

    def close(self) -> None:
        self._runner.run(self._leaving.aclose())
        self._runner.close()


@pytest.fixture(scope="module")
def stageplay(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Iterator[Stageplay]:
    opened = Stageplay(tmp_path_factory.mktemp("systems"), stage_home / "keys")
    yield opened
    opened.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_source_system_works_as_told(stageplay: Stageplay, scenario: Scenario) -> None:
    stageplay.play(scenario, 0.1)


TIMED = [one for one in SCENARIOS if any(step.within for step in one.steps)]


@pytest.mark.long
@pytest.mark.parametrize("scenario", TIMED, ids=lambda one: one.name)
def test_a_source_system_keeps_its_times_in_real_time(stageplay: Stageplay, scenario: Scenario) -> None:
    stageplay.play(scenario, 1.0)
