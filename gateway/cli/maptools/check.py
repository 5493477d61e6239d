"""``map check``: every mistake of a folder at its place, and its own tests when there is none; again at each change."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.claims.partners.manifest import load_faults
from gateway.cli.maptools.place import Place, find_folder, find_place, schemas_of
from gateway.cli.maptools.tool import add_json, add_tool
from gateway.kernel.errors import LianpeiError
from gateway.mapping import Mistake, check_folder, check_reader, run_folder_tests, run_reader_tests
from gateway.mapping.inherit import BLOCKS

_EXAMPLES = """lianpei map check package
lianpei map check mappings/insurers/package --watch
lianpei map check package --json | jq '.[].code'"""
_EVERY_S = 0.3


def add_commands(tools: Any) -> None:
    one = add_tool(tools, "check", "find every mistake of a folder, then run its tests 检查映射并运行测试", _EXAMPLES)
    one.add_argument("--watch", action="store_true", help="check again whenever a file changes, until Ctrl-C")
    add_json(one)
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    if chosen.watch:
        for found in watch(chosen):
            _show(found, chosen)
    found = judge(chosen.place, chosen.mappings)
    _show(found, chosen)
    return 1 if found else 0


def judge(spelt: str, mappings: Path) -> list[Mistake]:
    """Mistakes of the folder's manifest, mapping files and tests. Raises ``ConfigRefused`` when there is no such folder."""
    find_folder(spelt, mappings)
    try:
        place = find_place(spelt, mappings)
        if (place.folder / "faults.yaml").is_file():
            load_faults(place.folder)
    except LianpeiError as bad:
        return [Mistake(spelt, 1, 1, bad.error_code, bad.message, bad.hint)]
    found = _check(place)
    others = {file.resolve() for file in place.folder.glob("*.yaml") if file.stem != place.act} if place.act else set()
    return [one for one in found if Path(one.file).resolve() not in others - {place.folder.resolve() / BLOCKS}]


def _check(place: Place) -> list[Mistake]:
    if place.reads:
        file = place.folder / f"{place.act}.yaml"
        found = check_reader(file, place.vocabulary)
        failed = [] if found else run_reader_tests(file, place.vocabulary)
    else:
        found = check_folder(*place.ends)
        failed = [] if found else run_folder_tests(*place.ends)
    return found + [_failed(line) for line in failed]


def _failed(line: str) -> Mistake:
    file, _, what = line.partition(": ")
    return Mistake(file, 1, 1, "failing-test", what, "map test shows the difference")


def _show(found: list[Mistake], chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        print(one, file=sys.stderr)
    print(
        f"{chosen.place}: {len(found)} mistakes 处错误" if found else f"{chosen.place}: all good 没有问题", flush=True
    )


def watch(chosen: argparse.Namespace) -> Iterator[list[Mistake]]:
    """The mistakes now, and again after each change of a file in the folder or among its schemas."""
    folder, _ = find_folder(chosen.place, chosen.mappings)
    seen: object = None
    while True:
        now = _state(folder) | _state(schemas_of(folder))
        if now != seen:
            seen = now
            yield judge(chosen.place, chosen.mappings)
        time.sleep(_EVERY_S)


def _state(folder: Path) -> dict[Path, tuple[int, int]]:
    stats = {file: file.stat() for file in folder.rglob("*") if file.is_file()}
    return {file: (stat.st_mtime_ns, stat.st_size) for file, stat in stats.items()}
