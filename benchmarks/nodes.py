"""The same claims through one gateway on SQLite, one on PostgreSQL and two on one PostgreSQL, in one run, by the clock.

A gateway is given a core, and all that serves it shares that core: its callers, its insurer and, on one core or on both,
the database. So what two gateways get on two cores beside what one gets on one core is what a second gateway adds, the
waits for each other's groups included. The share of time in which a gateway's writer waited so is looked up in
``pg_stat_activity`` every 20 ms. Rounds alternate; the ratio is the median of the rounds. ``--json`` puts figures last.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg

from benchmarks.gateway_job import _SETTINGS, Side, _drive, _prepare, _spawn
from gateway.cli.ports import free_ports
from gateway.cli.stage import ROOT
from gateway.wire.devkeys import create_development_keys
from gateway.wire.keys import KeyRing

sys.path.insert(0, str(ROOT / "tests"))
from support.postgres import Server

_FORK = multiprocessing.get_context("fork")
_CALLERS = 48
"""At each gateway."""
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = 'lianpei' AND wait_event_type = 'Lock' AND datname = current_database()"
)


@dataclass
class House:
    """One gateway, or more on one database, each with a core, callers and an insurer of its own."""

    name: str
    sides: list[Side]
    database: str = ""
    rates: list[float] = field(default_factory=list)
    """Claims per second of each round, all gateways together."""
    cpu_ms: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    """Seconds."""
    waits: list[int] = field(default_factory=list)

    def p(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[int((len(ordered) - 1) * share)] * 1000

    def waited(self) -> float:
        """Share of the time in which a gateway's writer waited for another's group."""
        return sum(self.waits) / len(self.waits) / len(self.sides) if self.waits else 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look every 20 ms who waits for whom."""
        if not self.database:
            yield
            return
        done = threading.Event()

        def watch() -> None:
            with psycopg.connect(self.database, autocommit=True) as connection:
                while not done.wait(0.02):
                    row = connection.execute(_WAITING).fetchone()
                    self.waits.append(row[0] if row else 0)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        finally:
            done.set()
            watching.join()


def _on_core(process: "subprocess.Popen[str]", core: int) -> "subprocess.Popen[str]":
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
    return process


def _build(name: str, home: Path, keys: Path, databases: list[str], cores: list[int], stack: ExitStack) -> House:
    sides = []
    for core, database in zip(cores, databases, strict=False):
        place, ports = home / f"g{core}", free_ports()
        place.mkdir(parents=True)
        doors = {name: ports[name] for name in ("hospital", "partner", "operator")}
        settings = _SETTINGS.format(keys=keys, here=ROOT, insurer=ports["ant"], **doors)
        (place / "gateway.toml").write_text(settings.replace('"claims.db"', f'"{database}"'), "utf-8")
        peer = _on_core(_spawn("benchmarks.insurer", str(keys), str(ports["ant"]), home=home), core)
        gateway = _on_core(_spawn("gateway", "gateway", "--config", str(place / "gateway.toml"), home=place), core)
        for process in (peer, gateway):
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        sides.append(Side("gateway", f"http://127.0.0.1:{ports['hospital']}/v1/claims", gateway, signed=True))
    return House(name, sides, databases[0] if "://" in databases[0] else "")


def _server_on(server: Server, cores: list[int]) -> None:
    """The database's processes, those to come too, share the gateways' cores."""
    main = server.process_id()
    children = Path(f"/proc/{main}/task/{main}/children").read_text("ascii").split()
    for process in [main, *map(int, children)]:
        os.sched_setaffinity(process, cores)


def _call(house: House, number: int, keys: Path, made: tuple[int, int, int], ready: Barrier, told: Connection) -> None:
    """In a process of its own, on the core of gateway ``number``: tells CPU ms per claim and seconds of each claim."""
    core, serial, claims = made
    os.sched_setaffinity(0, {core})
    side = house.sides[number]
    work = _prepare(side, claims, serial, KeyRing.from_directory(keys))
    ready.wait(60)
    asyncio.run(_drive(side, work, _CALLERS))
    told.send((side.cpu_ms[-1], side.latencies))


def _round(house: House, keys: Path, cores: list[int], serial: int, claims: int, counts: bool) -> None:
    """``claims`` through each gateway of the house, at the same time."""
    ready = _FORK.Barrier(len(house.sides) + 1)
    ends, callers = [], []
    for number, core in zip(range(len(house.sides)), cores, strict=False):
        mine, theirs = _FORK.Pipe(duplex=False)
        made = (core, serial + number * claims, claims)
        caller = _FORK.Process(target=_call, args=(house, number, keys, made, ready, theirs))
        caller.start()
        ends.append(mine)
        callers.append(caller)
    ready.wait(60)
    started = time.monotonic()
    with house.watched() if counts else nullcontext():
        told = [end.recv() for end in ends]
    took = time.monotonic() - started
    for caller in callers:
        caller.join()
    if counts:
        house.rates.append(claims * len(house.sides) / took)
        house.cpu_ms.append(statistics.mean(cpu for cpu, _ in told))
        house.latencies += [one for _, latencies in told for one in latencies]


def measure(rounds: int, claims: int) -> list[House]:
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("two cores are needed: one for each gateway")
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        home = Path(place)
        keys = home / "keys"
        create_development_keys(keys)
        server = Server()
        stack.callback(server.close)
        one, two = server.new_database(), server.new_database()
        cases = {"SQLite": ["claims.db"], "PostgreSQL": [one], "PostgreSQL, 2": [two, two]}
        houses = [_build(name, home / name, keys, urls, cores, stack) for name, urls in cases.items()]
        serial = 1
        for number in range(rounds + 1):  # the first round warms up and is not counted
            for house in houses:
                _server_on(server, cores[: len(house.sides)])
                _round(house, keys, cores, serial, claims, counts=number > 0)
                serial += claims * 2
    return houses


def report(houses: list[House]) -> dict[str, float]:
    print(f"{'gateways':16}{'cores':>6}{'claims/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms/claim':>14}{'waited':>9}")
    told: dict[str, float] = {}
    for house in houses:
        rate, cpu = statistics.median(house.rates), statistics.median(house.cpu_ms)
        print(
            f"{house.name:16}{len(house.sides):>6}{rate:>10.0f}{house.p(0.5):>9.1f}{house.p(0.99):>9.1f}{cpu:>14.2f}"
            f"{house.waited():>9.1%}"
        )
        told[f"{house.name}: claims/s"] = round(rate, 1)
        told[f"{house.name}: CPU ms/claim"] = round(cpu, 3)
    _, single, pair = houses
    ratios = [two / one for two, one in zip(pair.rates, single.rates, strict=True)]
    told["two_gateways_vs_one"] = round(statistics.median(ratios), 3)
    print(
        f"\nTwo gateways on two cores do {told['two_gateways_vs_one']:.2f} x the claims of one on one core, by the clock "
        f"(per round: {', '.join(f'{ratio:.2f}' for ratio in ratios)})"
    )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--claims", type=int, default=600, help="claims per round and gateway")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    chosen = parser.parse_args()
    told = report(measure(chosen.rounds, chosen.claims))
    if chosen.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
