"""Healthy insurers' decision times, undisturbed and with one insurer hung and one refusing everything, in one run.

Four insurers are asked at the same steady rate all the time, real sockets, one gateway process. Rounds alternate: all four
are well; then one hangs on every act and one refuses every claim (``--gone``: refuses every connection). What is
compared are the other two. The callers don't wait for one another (open loop), so a queue anywhere shows.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.ports import free_ports
from gateway.cli.stage import ROOT

sys.path.insert(0, str(ROOT / "tests"))
from support.bills import SampleBill, sample_bill
from support.house import House
from support.lanestage import LaneStage, Played, hangs, refuses

WELL, HUNG, REFUSING = ("well-one", "well-two"), "hung", "refusing"
ALL = (*WELL, HUNG, REFUSING)


@dataclass
class Phase:
    seconds: float
    took: list[float] = field(default_factory=list)
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)

    def p(self, share: float) -> float:
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


async def _one(house: House, bill: SampleBill, due: float, phase: Phase) -> None:
    answer = await house.submit(bill, wait=20)
    code, claim = bill.insurers[0], answer.document["claims"][0]
    word = claim["outcome"] or claim["state"]
    if code in WELL:
        if word != "paid":
            raise SystemExit(f"a healthy insurer's claim ended as {word}: {claim['reason']}")
        phase.took.append(time.perf_counter() - due)
    told = phase.outcomes.setdefault(code, {})
    name = f"{word} ({claim['reason']})" if word == "not_sent" else word
    told[name] = told.get(name, 0) + 1


async def _drive(house: House, phase: Phase, rate: float) -> None:
    """``rate`` bills a second at each insurer, evenly, whatever becomes of those before."""
    bills = [sample_bill(code) for _ in range(int(phase.seconds * rate)) for code in ALL]
    started, tasks = time.perf_counter() + 0.1, []
    for number, bill in enumerate(bills):
        due = started + number / (rate * len(ALL))
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(_one(house, bill, due, phase)))
    await asyncio.gather(*tasks)


async def _well_again(house: House) -> None:
    """Until a bill at each insurer is paid again."""
    until = time.monotonic() + 180
    for code in ALL:
        while (await house.submit(sample_bill(code), wait=20)).document["claims"][0]["outcome"] != "paid":
            if time.monotonic() > until:
                raise SystemExit(f"{code} did not come back")
            await asyncio.sleep(0.5)


async def _run(stage: LaneStage, rounds: int, seconds: float, rate: float, gone: bool) -> tuple[Phase, Phase]:
    calm, trouble = Phase(seconds), Phase(seconds)
    async with House(stage) as house:
        played = {code: stage.played(code) for code in ALL}
        for insurer in played.values():
            await insurer.open()
        await _drive(house, Phase(3.0), rate)  # warms up and is not counted
        for _ in range(rounds):
            await _drive(house, calm, rate)
            await _upset(played, gone)
            await _drive(house, trouble, rate)
            await _calm_down(played)
            await _well_again(house)
        for insurer in played.values():
            insurer.close()
    return calm, trouble


async def _upset(played: dict[str, Played], gone: bool) -> None:
    played[HUNG].play = hangs
    if gone:
        played[REFUSING].close()
    else:
        played[REFUSING].play = refuses


async def _calm_down(played: dict[str, Played]) -> None:
    played[HUNG].play = played[REFUSING].play = None
    if played[REFUSING].shut:
        await played[REFUSING].open()


def measure(rounds: int, seconds: float, rate: float, gone: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        with LaneStage(home, free_ports(*ALL), home / "keys", more=dict.fromkeys(ALL, ""), timeout="8s") as stage:
            calm, trouble = asyncio.run(_run(stage, rounds, seconds, rate, gone))
    print(f"{rate:g} bills/s at each of {len(ALL)} insurers, {rounds} x {seconds:g} s; the two healthy ones:")
    print(f"{'':28}{'bills':>7}{'p50 ms':>9}{'p99 ms':>9}")
    for name, phase in (("all four well", calm), ("one hung, one refusing", trouble)):
        print(f"{name:28}{len(phase.took):>7}{phase.p(0.5):>9.1f}{phase.p(0.99):>9.1f}")
    for code in (HUNG, REFUSING):
        print(f"{code}: {trouble.outcomes.get(code, {})}")
    figures = {
        "healthy_p99_ratio": round(trouble.p(0.99) / calm.p(0.99), 3),
        "healthy_p50_ratio": round(trouble.p(0.5) / calm.p(0.5), 3),
        "healthy_p99_ms": round(calm.p(0.99), 1),
    }
    print(f"p99 ratio {figures['healthy_p99_ratio']:.2f} (promise: 1.2)")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each phase")
    parser.add_argument("--rate", type=float, default=10.0, help="bills a second at each insurer")
    parser.add_argument("--gone", action="store_true", help="the refusing insurer refuses connections")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    chosen = parser.parse_args()
    figures = measure(chosen.rounds, chosen.seconds, chosen.rate, chosen.gone)
    if chosen.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
