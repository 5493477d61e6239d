"""``map diff``: two versions of an act or folder over the same samples, field by field and in money."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from gateway.cli.maptools.place import Place, find_place
from gateway.cli.maptools.recorded import Recorded, add_options, hidden, recorded_sources
from gateway.cli.maptools.sample import read_source
from gateway.cli.maptools.tool import add_json, add_tool
from gateway.kernel.errors import ConfigRefused
from gateway.kernel.money import yuan
from gateway.mapping.compare.acts import Comparison, Side, compare_answers, compare_requests
from gateway.mapping.compare.layout import told
from gateway.mapping.errors import refuse
from gateway.mapping.fuzz.sources import SourceMaker
from gateway.mapping.loader import Loaded
from gateway.mapping.record import incoming_of

_EXAMPLES = """lianpei map diff mappings/insurers/package ../before/mappings/insurers/package
lianpei map diff package/settle new/package/settle --in samples/ --made 200"""
_MOST = 20


def add_commands(tools: Any) -> None:
    one = add_tool(tools, "diff", "two versions over the same samples 比较两个版本", _EXAMPLES)
    one.add_argument("other", metavar="FOLDER[/ACT]", help="the version to compare with 要比较的版本")
    one.add_argument(
        "--in", dest="samples", type=Path, nargs="*", default=[], help="dispatches as JSON, or folders of them"
    )
    one.add_argument("--made", type=int, default=0, metavar="N", help="and N sources that the fuzzer makes")
    one.add_argument("--seed", type=int, default=1, help="seed of the sources made (1)")
    add_options(one)
    add_json(one)
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    a, b = (find_place(spelt, chosen.mappings) for spelt in (chosen.place, chosen.other))
    left, right = a.loaded(), b.loaded()
    refuse([*left.mistakes, *right.mistakes])
    mine, theirs = _acts(a, left), _acts(b, right)
    only = sorted(set(mine) ^ set(theirs))
    recorded = recorded_sources(a, chosen)
    found = [
        one
        for name in sorted(set(mine) & set(theirs))
        for one in _compared(mine[name], _side(a, left, mine[name]), _side(b, right, theirs[name]), a, chosen, recorded)
    ]
    if not chosen.show:
        found = list(hidden(found, recorded))
    differ = [one for one in found if not one.same]
    if chosen.json:
        rows = [asdict(one) | {"money": one.money_changes} for one in differ]
        print(json.dumps({"only_in_one": only, "acts": rows}, ensure_ascii=False, indent=2))
    else:
        _show(found, only)
    return 1 if differ or only else 0


def _acts(place: Place, loaded: Loaded) -> dict[str, str]:
    """Acts to compare by the name that pairs them: a single act pairs with a single act, whatever they are called."""
    return {"": place.act} if place.act else {name: name for name in loaded.acts}


def _side(place: Place, loaded: Loaded, name: str) -> Side:
    return Side(loaded.acts[name], loaded.files[name], place.constants)


def _compared(
    name: str, a: Side, b: Side, place: Place, chosen: argparse.Namespace, recorded: Recorded
) -> Iterator[Comparison]:
    if a.act.request is not None and b.act.request is not None:
        sources = chain(_sources(a, b, place, chosen), recorded.get(name.partition("@")[0], ()))
        yield compare_requests(f"{name} request", a, b, sources)
    if all(side.act.answer is not None or side.act.callback is not None for side in (a, b)):
        yield compare_answers(f"{name} answer", a, b, _answers(a, b, place))


def _sources(a: Side, b: Side, place: Place, chosen: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """The examples of both versions, the files that were named, and what the fuzzer makes."""
    own = [side.file.path.parent / row["in"] for side in (a, b) for row in side.file.tests if "in" in row]
    given = [file for path in chosen.samples for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])]
    seen: set[bytes] = set()
    for path in [*own, *given]:
        data = _content(path)
        if data not in seen:
            seen.add(data)
            yield path.name, read_source(path, place)
    assert place.vocabulary.source is not None
    maker = SourceMaker(place.vocabulary.source, tuple(place.refs))
    for number in range(chosen.made):
        yield f"made {number}", maker.built(maker.make(number, Random(f"{chosen.seed}:{number}")))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ConfigRefused(f"{path.name} can't be read", hint="--in takes JSON files and folders of them") from None


def _answers(a: Side, b: Side, place: Place) -> Iterator[tuple[str, Any, Any, bool]]:
    """The answers and callbacks of either version's tests, each once."""
    seen: set[object] = set()
    for side in (a, b):
        folder = side.file.path.parent
        for row in side.file.tests:
            if "answer" not in row and "callback" not in row:
                continue
            incoming = incoming_of(row, folder)
            key = (incoming.document, incoming.http_status, str(incoming.protected))
            if key not in seen:
                seen.add(key)
                sent = read_source(folder / row["sent"], place) if "sent" in row else None
                yield row.get("name", "?"), incoming, sent, "callback" in row


def _show(found: list[Comparison], only: list[str]) -> None:
    for name in only:
        print(f"{name}: in one version only 只在一个版本中")
    for one in found:
        print(f"{one.act}: {one.samples} samples, {len(one.changes)} differ 个样本不同")
        for sample, changed in one.changes.items():
            print(f"  {sample}")
            for change in changed[:_MOST]:
                print(f"    {told(change)}")
            if len(changed) > _MOST:
                print(f"    … {len(changed) - _MOST} more 另有")
        for name, (before, after) in one.money_changes.items():
            print(f"  money 金额 {name}: {yuan(before)} → {yuan(after)} ({yuan(after - before)})")
