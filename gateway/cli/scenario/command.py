"""Lists and plays scenarios for ``lianpei demo --scenario``."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.scenario.house import open_house
from gateway.cli.stage import ROOT
from gateway.cli.table import show

if TYPE_CHECKING:
    from gateway.sandbox.scenarios.script import Scenario

FOLDER = ROOT / "scenarios"


def run(name: str) -> int:
    """``list`` shows the scenarios; a name plays that one; ``all`` plays every one. Exit status 1: not as told."""
    # Imported here: a production image has neither the sandbox's libraries nor a use for them.
    from gateway.sandbox.scenarios.script import load, named

    scenarios = load(FOLDER)
    if name == "list":
        rows = [[one.name, one.title.zh, one.title.en, ", ".join(map(str, one.rows))] for one in scenarios]
        show(["场景 scenario", "名称", "title", "docs/source-systems.md"], rows)
        return 0
    chosen: list[Scenario] = scenarios if name == "all" else [named(scenarios, name)]
    with tempfile.TemporaryDirectory(prefix="lianpei-scenario-") as place:
        played = [asyncio.run(_play(one, Path(place), number)) for number, one in enumerate(chosen)]
    return 0 if all(played) else 1


async def _play(scenario: "Scenario", place: Path, number: int) -> bool:
    from gateway.sandbox.scenarios.player import NotAsToldError, Player, Seen

    def told(seen: Seen) -> None:
        step = seen.step
        what = step.say or step.get or step.post or step.put or step.clock
        if not what and (wish := step.trouble) is not None:
            what = f"故障 trouble: {wish.at} {wish.op} {wish.do}" + (f" {wish.seconds:g} s" if wish.seconds else "")
        print(f"  ✓ {what or '账单 bill'}" + (f"  {seen.took:.1f} s" if seen.took > 0.5 else ""), flush=True)

    print(f"{scenario.name}: {scenario.title.zh} {scenario.title.en}", flush=True)
    home = place / str(number)
    async with open_house(home, place / "keys", scenario.settings) as house:
        player = Player(house.session, house.urls, house.clock.turn, int(time.time()) % 900_000 + 1)
        try:
            await player.play(scenario, told)
        except NotAsToldError as wrong:
            print(f"  ✗ {wrong}")
            return False
    print("As told 与预期一致 ✓")
    return True
