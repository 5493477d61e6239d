"""``map test``: the folder's own tests with the difference shown, and ``--record`` to take what is made now as the promise."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from gateway.cli.maptools.place import Place, find_place
from gateway.cli.maptools.tool import add_json, add_tool
from gateway.mapping.compare import Change
from gateway.mapping.compare.layout import told
from gateway.mapping.errors import refuse
from gateway.mapping.record import Promise, folder_promises, reader_promises

_EXAMPLES = """lianpei map test package
lianpei map test package/settle --record      take what is made now as the promise, and show what changed"""
_MOST = 20


def add_commands(tools: Any) -> None:
    one = add_tool(tools, "test", "run a folder's own tests and show what differs 运行映射自带的测试", _EXAMPLES)
    one.add_argument("--record", action="store_true", help="write the promised outputs anew 把现在的输出记为标准")
    add_json(one)
    one.set_defaults(run=_run)


def promises_of(place: Place) -> Iterable[Promise]:
    """Raises ``MappingRefused`` when the folder does not load."""
    if place.reads:
        return reader_promises(place.folder / f"{place.act}.yaml", place.vocabulary)
    loaded = place.loaded()
    refuse(loaded.mistakes)
    return folder_promises(loaded, place.vocabulary, place.act)


def _run(chosen: argparse.Namespace) -> int:
    found = list(promises_of(find_place(chosen.place, chosen.mappings)))
    broken = [one for one in found if not one.kept]
    rows = [_row(one) for one in broken]
    for one in broken if chosen.record else ():
        if not one.trouble:
            one.record()
    if chosen.json:
        print(
            json.dumps(
                {"promises": len(found), "recorded": chosen.record, "broken": rows}, ensure_ascii=False, indent=2
            )
        )
    else:
        _show(rows, len(found), chosen.record)
    left = [one for one in broken if one.trouble] if chosen.record else broken
    return 1 if left else 0


def _row(one: Promise) -> dict[str, Any]:
    """Read before anything is recorded, because afterwards there is no difference."""
    changes = [] if one.trouble else [asdict(change) for change in one.changes]
    return {"test": one.test, "file": str(one.path), "trouble": one.trouble, "changes": changes}


def _show(rows: list[dict[str, Any]], count: int, record: bool) -> None:
    for row in rows:
        word = "recorded 已记录" if record and not row["trouble"] else "differs 不一致"
        print(f"{row['file']}: {row['test']}: {row['trouble'] or word}")
        for change in row["changes"][:_MOST]:
            print(f"  {told(Change(**change))}")
        if len(row["changes"]) > _MOST:
            print(f"  … {len(row['changes']) - _MOST} more 另有")
    print(f"{count - len(rows)} of {count} promises kept 项符合")
