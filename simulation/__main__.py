"""``python -m simulation``: play seeds on every core, then the planted bugs; or one seed with its story."""

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from simulation.mutants import MUTANTS
from simulation.world import World

_COMMAND = ".venv/bin/python -m simulation"
_MOST_SEEDS = 2000
"""A planted bug that so many worlds don't notice is missed."""


def play(seed: int) -> list[str]:
    """The promises that this world broke."""
    world = World(seed)
    try:
        return world.play()
    except Exception as wrong:
        return [*world.story.broken, f"the world ended: {wrong!r}"]


def tell(seed: int) -> int:
    world = World(seed)
    try:
        broken = world.play()
    finally:
        print("\n".join(world.story.lines()))
    print(f"seed {seed}: {', '.join(broken) or 'every promise kept'}")
    return bool(broken)


def play_all(seeds: range, processes: int) -> int:
    """How many worlds broke a promise."""
    began, failed = time.perf_counter(), Counter[str]()
    first = 0
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        for seed, broken in zip(seeds, pool.map(play, seeds, chunksize=20), strict=True):
            if broken:
                first = first or seed
                failed.update(set(broken))
                print(f"seed {seed}: {', '.join(sorted(set(broken)))}", flush=True)
    took = time.perf_counter() - began
    print(f"{len(seeds)} seeds in {took:.0f} s, {len(seeds) / took:.1f} seeds/s; broken promises: {failed.total()}")
    if first:
        print(f"replay the first: {_COMMAND} --seed {first}")
    return failed.total()


def hunt(number: int) -> str:
    """Seeds until the planted bug is noticed: a line about it, empty when nobody noticed."""
    mutant, began = MUTANTS[number], time.process_time()
    with mutant.planted():
        for seed in range(1, _MOST_SEEDS + 1):
            found = mutant.caught_by.intersection(play(seed))
            if found:
                return f"after {seed:4} seeds, {time.process_time() - began:5.1f} s by {', '.join(sorted(found))}"
    return ""


def hunt_all(numbers: Sequence[int], processes: int) -> int:
    """How many planted bugs went unnoticed."""
    missed = 0
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        for number, told in zip(numbers, pool.map(hunt, numbers), strict=True):
            missed += not told
            print(f"{'caught' if told else 'MISSED'}  {MUTANTS[number].name}\n        {told}", flush=True)
    print(f"{len(numbers) - missed} of {len(numbers)} planted bugs were caught")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--planted", type=int, default=len(MUTANTS), help="so many of the planted bugs (0: none)")
    parser.add_argument("--seed", type=int, help="play this one alone and tell its story")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    chosen = parser.parse_args()
    logging.disable()  # a story tells it
    if chosen.seed is not None:
        return tell(chosen.seed)
    wrong = play_all(range(chosen.first, chosen.first + chosen.seeds), chosen.processes)
    wrong += hunt_all(range(chosen.planted), chosen.processes)
    return bool(wrong)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of a world
        again = [sys.executable, "-m", "simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, os.environ | {"PYTHONHASHSEED": "0"})
    sys.exit(main())
