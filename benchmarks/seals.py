"""Sealing and opening, per profile, beside the bare primitive in the same run: ``python -m benchmarks.seals [--json]``.

Both sides of a case run turn by turn and CPU time is counted, so that a busy machine weighs on both alike. Trust the ratios;
microseconds move with the machine.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.seal_case import Case
from benchmarks.seals_partner import partner_cases
from benchmarks.seals_text import make_keys, text_cases
from benchmarks.seals_xml import xml_cases
from gateway.wire.devkeys import create_development_keys
from gateway.wire.keys import KeyRing

SIZES = (6 * 1024, 200 * 1024)
AIM = 1.5
"""Overhead over the primitive plus one canonicalisation."""


@dataclass(frozen=True)
class Figure:
    name: str
    size: int
    seal_us: float
    bare_us: float
    ratio: float


def all_cases(place: Path, sizes: Sequence[int] = SIZES) -> list[Case]:
    text, xml = place / "text", place / "xml"
    text.mkdir()
    create_development_keys(xml)
    keys = make_keys(text)
    return text_cases(keys, sizes) + partner_cases(keys, sizes) + xml_cases(KeyRing.from_directory(xml), sizes)


def measure(case: Case, seconds: float) -> Figure:
    """Medians over rounds; each round times both ways one after the other."""
    rounds = list(_rounds(case, seconds))
    seal, bare = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    return Figure(case.name, case.size, round(seal * 1e6, 1), round(bare * 1e6, 1), round(ratio, 2))


def _rounds(case: Case, seconds: float) -> Iterator[tuple[float, float]]:
    case.seal_and_open()
    once = _timed(case.bare, 1)
    calls = max(1, int(0.005 / once))
    end = perf_counter() + seconds
    yield _timed(case.seal_and_open, calls), _timed(case.bare, calls)
    while perf_counter() < end:
        yield _timed(case.seal_and_open, calls), _timed(case.bare, calls)


def _timed(work: Callable[[], object], calls: int) -> float:
    """CPU seconds a call: other processes on the machine do not count."""
    started = process_time()
    for _ in range(calls):
        work()
    return (process_time() - started) / calls


def _print(figures: Sequence[Figure]) -> None:
    print(f"{'profile':<34}{'KB':>5}{'seal+open µs':>14}{'bare µs':>10}{'ratio':>7}")
    for one in figures:
        mark = "" if one.ratio <= AIM else "  above the aim"
        print(f"{one.name:<34}{one.size / 1024:>5.0f}{one.seal_us:>14.0f}{one.bare_us:>10.0f}{one.ratio:>7.2f}{mark}")
    met = sum(one.ratio <= AIM for one in figures)
    print(f"{met} of {len(figures)} within {AIM} times the bare primitive plus one canonicalisation a side")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each case")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        cases = [case for case in all_cases(Path(place)) if chosen.only in case.name]
        figures = [measure(case, chosen.seconds) for case in cases]
    if chosen.json:
        print(json.dumps({"aim": AIM, "cores": os.cpu_count(), "cases": [asdict(one) for one in figures]}))
    else:
        _print(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
