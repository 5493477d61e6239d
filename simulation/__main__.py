"""``python -m simulation``: play seeds on every core, or one seed with its story."""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from simulation.world import World


def play(seed: int) -> tuple[int, list[str]]:
    world = World(seed)
    try:
        return seed, world.play()
    except Exception as wrong:
        return seed, [*world.story.broken, f"crashed: {wrong!r}"]


def tell(seed: int) -> None:
    world = World(seed)
    try:
        world.play()
    finally:
        print("\n".join(world.story.lines()))
        print(f"seed {seed}: {', '.join(world.story.broken) or 'every promise kept'}")
        for wrong in world.loop.wrongs:
            print("  ", wrong)


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="play this one and tell its story")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    chosen = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of a world
        os.execve(sys.executable, [sys.executable, "-m", "simulation", *sys.argv[1:]], os.environ | {"PYTHONHASHSEED": "0"})  # noqa: S606
    if chosen.seed is not None:
        tell(chosen.seed)
        return 0
    began, cpu = time.perf_counter(), time.process_time()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    failed: list[tuple[int, list[str]]] = []
    with ProcessPoolExecutor(chosen.processes, get_context("fork")) as pool:
        for seed, broken in pool.map(play, seeds, chunksize=20):
            if broken:
                failed.append((seed, broken))
                print(f"seed {seed}: {', '.join(sorted(set(broken)))}", flush=True)
    took = time.perf_counter() - began
    print(f"{chosen.seeds} seeds in {took:.0f} s, {chosen.seeds / took:.0f} seeds/s, {len(failed)} failed")
    if failed:
        print(Counter(name for _, broken in failed for name in set(broken)))
        print(f"replay: {sys.executable} -m simulation --seed {failed[0][0]}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
