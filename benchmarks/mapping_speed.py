"""The mapping language beside hand-written Python, and how both grow: ``python -m benchmarks.mapping_speed [--json]``.

Each job runs both ways turn by turn in the same process and processor time is counted, so that a busy machine weighs on both
alike. Trust the ratios; microseconds move with the machine. Both sides get the same objects and make the same bytes or the
same result (a test holds them against each other), and both open what came in with the house's own parsers.
"""

import argparse
import json
import os
import statistics
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Any

from benchmarks import speed_by_hand as by_hand
from benchmarks import speed_case as case
from gateway.mapping import Incoming

LINES = (200, 2_000, 10_000)
AIMS = {"claim to XML": 1.0, "claim to JSON": 1.0, "XML answer": 1.15, "JSON answer": 1.15}
_ROUND, _FEWEST = 0.004, 12
"""Seconds of one side in one round (short, so that a disturbance seldom hits one side alone), and so many rounds at least."""
Work = Callable[[], Any]


@dataclass(frozen=True)
class Job:
    name: str
    lines: int
    mapped: Work
    hand: Work


@dataclass(frozen=True)
class Figure:
    """Medians over the rounds; ``low`` and ``high`` are the ratio's quartiles."""

    name: str
    lines: int
    mapped_us: float
    hand_us: float
    ratio: float
    low: float
    high: float
    growth: float
    """Time for each line against that of the shortest claim, in the same rounds."""
    bytes_a_line: float
    """Peak of what Python held at once above what was there before."""


def _claim(name: str, act: str, hand: Callable[[Any], bytes], lines: int) -> Job:
    mapped, claim = case.acts()[act], case.dispatch(lines)
    return Job(name, lines, lambda: mapped.write(claim).document, lambda: hand(claim))


def _answer(name: str, act: str, hand: Callable[[bytes], Any], document: bytes, lines: int) -> Job:
    mapped = case.acts()[act]
    return Job(name, lines, lambda: mapped.read(Incoming(document)), lambda: hand(document))


def make_job(name: str, lines: int) -> Job:
    if name == "claim to XML":
        return _claim(name, "xml", by_hand.write_xml, lines)
    if name == "claim to JSON":
        return _claim(name, "json", by_hand.write_json, lines)
    if name == "XML answer":
        return _answer(name, "xml", by_hand.read_xml, case.xml_answer(lines), lines)
    return _answer(name, "json", by_hand.read_json, case.json_answer(lines), lines)


def measure(job: Job, least: Job, seconds: float) -> Figure:
    """``least`` is the same job with the fewest lines."""
    sides = [(job.mapped, 1), (job.hand, 1), (least.mapped, job.lines // least.lines)]
    calls = max(1, int(_ROUND / _timed(job.hand, 1)))
    rounds: list[list[float]] = []
    end = perf_counter() + seconds
    while len(rounds) < _FEWEST or perf_counter() < end:
        times = [0.0] * len(sides)
        for turn in range(len(sides)):
            # Who goes first changes from round to round.
            side = (turn + len(rounds)) % len(sides)
            work, share = sides[side]
            times[side] = _timed(work, calls * share) * share
        rounds.append(times)
    mapped, hand = (statistics.median(times[side] for times in rounds) * 1e6 for side in (0, 1))
    low, middle, high = statistics.quantiles([times[0] / times[1] for times in rounds], n=4)
    growth = statistics.median(times[0] / times[2] for times in rounds)
    return Figure(job.name, job.lines, mapped, hand, middle, low, high, growth, _peak(job.mapped) / job.lines)


def _timed(work: Work, calls: int) -> float:
    """Processor seconds a call."""
    started = process_time()
    for _ in range(calls):
        work()
    return (process_time() - started) / calls


def _peak(work: Work) -> int:
    """Bytes that Python held at most while the work ran; what libxml2 holds is its own."""
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _print(figures: Sequence[Figure]) -> None:
    print(f"{'job':<15}{'lines':>7}{'mapping µs':>12}{'by hand µs':>12}{'ratio':>7}{'quartiles':>13}{'aim':>6}", end="")
    print(f"{'µs/line':>9}{'growth':>8}{'bytes/line':>12}")
    for one in figures:
        spread = f"{one.low:.2f} to {one.high:.2f}"
        print(
            f"{one.name:<15}{one.lines:>7}{one.mapped_us:>12.0f}{one.hand_us:>12.0f}{one.ratio:>7.2f}{spread:>13}{AIMS[one.name]:>6}"
            f"{one.mapped_us / one.lines:>9.2f}{one.growth:>8.2f}{one.bytes_a_line:>12.0f}"
        )
    missed = [one.name for one in figures if one.lines == figures[0].lines and one.ratio > AIMS[one.name]]
    print(
        "ratios at the shortest claim: "
        + (f"above the aim in {', '.join(missed)}" if missed else "all within their aims")
    )


def _measured(name: str, sizes: Sequence[int], seconds: float) -> list[Figure]:
    """One kind of job at a time: samples of others would only scatter what this one keeps in memory."""
    made = [make_job(name, lines) for lines in sizes]
    return [measure(job, made[0], seconds) for job in made]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each job")
    parser.add_argument("--only", default="", help="jobs whose name holds this text")
    parser.add_argument("--lines", type=int, nargs="*", default=LINES)
    chosen = parser.parse_args()
    figures: list[Figure] = []
    for name in AIMS:
        if chosen.only in name:
            figures += _measured(name, sorted(chosen.lines), chosen.seconds)
    if chosen.json:
        print(json.dumps({"aims": AIMS, "cores": os.cpu_count(), "jobs": [asdict(one) for one in figures]}))
    else:
        _print(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
