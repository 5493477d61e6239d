"""``lianpei wall``: plants marks in every sensitive leaf, plays journeys with every kind of trouble, and searches for them."""

import argparse
import tempfile
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    text = (
        "plant marks in every medical and identity field, play journeys and failures, search for the marks, "
        "write a report 埋点检查医疗信息不外泄"
    )
    one = commands.add_parser("wall", help=text, description=text)
    one.add_argument("--short", action="store_true", help="leave out the journeys that take more than ten seconds")
    one.add_argument(
        "-o", "--output", type=Path, default=Path("var/wall"), help="folder for the report (default: var/wall)"
    )
    one.set_defaults(run=_wall)


def _wall(chosen: argparse.Namespace) -> int:
    # Imported here: a production image has neither the sandbox's libraries nor a use for them.
    from importlib.metadata import version

    from gateway.cli.wall import play, report
    from gateway.cli.wall.stage import wall_stage

    form = "short" if chosen.short else "full"
    journeys = play.journeys(is_long=not chosen.short)
    with tempfile.TemporaryDirectory(prefix="lianpei-wall-") as place, wall_stage(Path(place)) as (stage, relays):
        print(f"Playing {len(journeys)} journeys 正在进行 {len(journeys)} 个旅程", flush=True)
        run = play.perform(stage, relays, journeys)
    told = report.facts(run, form, version("lianpei"))
    print(f"{run.marks.count} marks, {len(run.places)} places, {len(run.findings)} findings 发现")
    for line in (*run.problems, *map(str, run.findings[:20])):
        print(f"  ✗ {line}")
    for file in report.write(told, chosen.output):
        print(f"  {file}")
    return 0 if run.ok else 1
