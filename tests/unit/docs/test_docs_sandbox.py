"""docs/sandbox.md names exactly the trouble that there is, and for each the simulators that can play it."""

import re
from pathlib import Path

from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import SCRIPT
from gateway.sandbox.common.trouble import Do
from gateway.sandbox.server import SIMULATORS, build
from gateway.wire.devkeys import create_development_keys

ROOT = Path(__file__).parents[3]
_ROW = re.compile(r"^\| `([a-z0-9_]+)` \| .+ \| .*[\u4e00-\u9fff].* \| ([a-z0-9, -]+) \|$", re.M)


async def test_the_table_says_who_can_play_what(tmp_path: Path) -> None:
    create_development_keys(tmp_path)
    settings = SimulatorSettings(tmp_path, "http://127.0.0.1:9")
    can = {code: build(code, settings).app()[SCRIPT].repertoire for code in SIMULATORS}

    listed = dict(_ROW.findall((ROOT / "docs" / "sandbox.md").read_text("utf-8")))

    for do in Do:
        players = [code for code in SIMULATORS if can[code].where(do)]
        assert listed.pop(do.value) == ("all" if len(players) == len(SIMULATORS) else ", ".join(players))
    assert not listed
