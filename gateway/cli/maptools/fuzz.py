"""``map fuzz``: valid claims and broken answers through every act of a folder, with both back ends and the target's schema."""

import argparse
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.cli.maptools.place import Place, find_place
from gateway.cli.maptools.tool import add_json, add_tool
from gateway.kernel.errors import ConfigRefused
from gateway.mapping.errors import refuse
from gateway.mapping.fuzz.run import Case, FolderFuzz

_EXAMPLES = """lianpei map fuzz package
lianpei map fuzz package/settle --count 2000 --seed 7
lianpei map fuzz package/settle --seed 7 --case 57     make one finding again, smaller"""
_SHOW_EVERY_S = 0.5


def add_commands(tools: Any) -> None:
    one = add_tool(
        tools, "fuzz", "make odd but valid claims and see what the mapping makes of them 模糊测试", _EXAMPLES
    )
    one.add_argument("--count", type=int, default=2000, help="sources per act, and broken answers per sample (2000)")
    one.add_argument(
        "--seed", type=int, default=None, help="the same seed makes the same cases; chosen and told if absent"
    )
    one.add_argument("--case", type=int, default=None, help="run this case only")
    one.add_argument("--keep", type=Path, default=None, metavar="DIR", help="write what led to a finding into DIR")
    add_json(one)
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    place = find_place(chosen.place, chosen.mappings)
    if place.reads:
        raise ConfigRefused("a hospital format makes no requests", hint="map fuzz works on insurer and payment folders")
    loaded = place.loaded()
    refuse(loaded.mistakes)
    seed = chosen.seed if chosen.seed is not None else secrets.randbelow(10**6)
    numbers = range(chosen.count) if chosen.case is None else range(chosen.case, chosen.case + 1)
    fuzz = FolderFuzz(loaded, place.vocabulary, place.constants, place.refs, seed)
    tally = Tally(place.name, seed, show=not chosen.json and sys.stderr.isatty())
    tally.take("request", fuzz.requests(numbers, place.act))
    tally.take("answer", fuzz.answers(numbers, place.act))
    findings = [_told(case, place, seed, fuzz, chosen.keep) for case in tally.firsts]
    print(json.dumps(tally.report(findings), ensure_ascii=False, indent=2) if chosen.json else tally.text(findings))
    return 1 if findings else 0


class Tally:
    """Counts what became of the cases and keeps the first of each kind of finding."""

    def __init__(self, name: str, seed: int, *, show: bool) -> None:
        self.name, self.seed, self._show = name, seed, show
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.firsts: list[Case] = []
        self._known: set[tuple[str, str, str]] = set()
        self._shown = 0.0

    def take(self, way: str, cases: Iterable[Case]) -> None:
        for case in cases:
            self.counts[(way, case.act, case.verdict.outcome)] += 1
            kind = (case.act, case.verdict.outcome, case.verdict.note)
            if case.verdict.is_finding and kind not in self._known:
                self._known.add(kind)
                self.firsts.append(case)
            self._progress(way, case)

    def _progress(self, way: str, case: Case) -> None:
        if self._show and time.monotonic() - self._shown > _SHOW_EVERY_S:
            self._shown = time.monotonic()
            done = sum(self.counts.values())
            print(
                f"\r{self.name} {way} {case.number}: {done} done, {len(self.firsts)} findings", end="", file=sys.stderr
            )

    def report(self, findings: list[dict[str, Any]]) -> dict[str, Any]:
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for (way, act, outcome), count in sorted(self.counts.items()):
            counts.setdefault(way, {}).setdefault(act, {})[outcome] = count
        return {"folder": self.name, "seed": self.seed, "counts": counts, "findings": findings}

    def text(self, findings: list[dict[str, Any]]) -> str:
        lines = [f"{self.name}, seed {self.seed} 种子"]
        for way, acts in self.report([])["counts"].items():
            lines += [f"  {way:8}{act:20}{_numbers(outcomes)}" for act, outcomes in acts.items()]
        for one in findings:
            lines += [
                f"\n{one['act']}: {one['outcome']} {one['note']}",
                f"  again 重现: {one['again']}",
                f"  {one['data']}",
            ]
        return "\n".join([*lines, f"{len(findings)} findings 个发现" if findings else "no findings 没有发现"])


def _numbers(outcomes: dict[str, int]) -> str:
    return "  ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items()))


def _told(case: Case, place: Place, seed: int, fuzz: FolderFuzz, keep: Path | None) -> dict[str, Any]:
    """A finding with the smallest data that shows it and the command that makes it again."""
    made = isinstance(case.data, dict)
    data = json.dumps(fuzz.shrink(case), ensure_ascii=False) if made else repr(case.data)
    folder = f"{place.folder}/{case.act}"
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        name = f"{case.act}-{case.number}.{'dispatch.json' if made else 'answer'}"
        (keep / name).write_bytes(data.encode("utf-8") if isinstance(case.data, dict) else case.data)
    return {
        "act": case.act,
        "outcome": str(case.verdict.outcome),
        "note": case.verdict.note,
        "again": f"lianpei map fuzz {folder} --seed {seed} --case {case.number}",
        "data": data,
    }
