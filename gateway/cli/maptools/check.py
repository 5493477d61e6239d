"""``map check``: every mistake of a folder at its place, failing tests among them; again at each change with ``--watch``."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.cli.check import judge_folder
from gateway.cli.maptools.place import Place, find_folder, find_place, schemas_of
from gateway.cli.maptools.tool import add_json, add_tool
from gateway.kernel.errors import LianpeiError
from gateway.mapping import Mistake, Review, review_folder, review_reader

_EXAMPLES = """lianpei map check package
lianpei map check mappings/insurers/package --watch
lianpei map check package --json | jq '.mistakes[].code'"""
_EVERY_S = 0.3


def add_commands(tools: Any) -> None:
    one = add_tool(tools, "check", "find every mistake of a folder and run its tests 检查映射并运行测试", _EXAMPLES)
    one.add_argument("--watch", action="store_true", help="check again whenever a file changes, until Ctrl-C")
    one.add_argument("--remarks", action="store_true", help="also say what the check leaves to run time")
    add_json(one)
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    if chosen.watch:
        for found in watch(chosen):
            _show(found, chosen)
    found = judge(chosen.place, chosen.mappings)
    _show(found, chosen)
    return 1 if found.mistakes else 0


def judge(spelt: str, mappings: Path | None) -> Review:
    """What can be said about the folder, or about one act of it. Raises ``ConfigRefused`` when there is no such folder."""
    folder, _ = find_folder(spelt, mappings)
    try:
        place = find_place(spelt, mappings)
    except LianpeiError as bad:
        return Review([Mistake(str(folder), 1, 1, bad.error_code, bad.message, bad.hint)], [])
    found = _review(place)
    return Review(_of_act(found.mistakes, place), _of_act(found.remarks, place))


def _review(place: Place) -> Review:
    if place.reads:
        return review_reader(place.folder / f"{place.act}.yaml", place.vocabulary)
    if (place.folder / "insurer.yaml").is_file():
        return judge_folder(place.folder, place.schemas.parent.parent)
    return review_folder(*place.ends)


def _of_act(said: list[Mistake], place: Place) -> list[Mistake]:
    """Where an act is named, what lies in the files of other acts is left out; manifest, blocks and base are its own too."""
    others = {name for name in place.acts if name != place.act} if place.act else set()
    return [one for one in said if Path(one.file).stem not in others]


def _show(found: Review, chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(found.json(), flush=True)
        return
    for one in found.mistakes:
        print(one, file=sys.stderr)
    for remark in found.remarks if chosen.remarks else ():
        print(remark)
    count = len(found.mistakes)
    print(f"{chosen.place}: {count} mistakes 处错误" if count else f"{chosen.place}: all good 没有问题", flush=True)


def watch(chosen: argparse.Namespace) -> Iterator[Review]:
    """What is to say now, and again after each change of a file in the folder or among its schemas."""
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
