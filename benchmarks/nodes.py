"""The same claims through one gateway on SQLite, one on PostgreSQL and two on one PostgreSQL, in one run.

Callers, insurer and database share this machine's cores with the gateways, so claims/s is what all of them get together.
What a second gateway adds is told by CPU: a gateway is one process on one core, so n of them can do n divided by the CPU
seconds that a claim costs, as long as the row under which groups are written is free often enough. The share of time in
which a gateway's writer waited for another's group is looked up in ``pg_stat_activity`` every 20 ms. Waiting costs latency
(the next group grows meanwhile), not CPU; the last line tells the ratio with and without it. ``--json`` puts figures last.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.gateway_job import _SETTINGS, Side, _drive, _prepare, _spawn
from gateway.cli.stage import ROOT, free_ports
from gateway.wire.devkeys import create_development_keys
from gateway.wire.keys import KeyRing

sys.path.insert(0, str(ROOT / "tests"))
from support.postgres import Server

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = 'lianpei' AND wait_event_type = 'Lock' AND datname = current_database()"
)


@dataclass
class Figures:
    rate: float
    """Claims per second that all got together."""
    cpu_ms: float
    """Of the gateways, per claim."""
    p50: float
    p99: float
    waited: float
    """Share of the time in which a gateway's writer waited for another's group."""

    def capacity(self, nodes: int) -> float:
        """Claims per second with a core for each gateway and everything else elsewhere."""
        return nodes * 1000 / self.cpu_ms


class House:
    def __init__(self, home: Path, keys: Path, insurer: int, databases: list[str]) -> None:
        """One gateway for each of ``databases``; the same one named twice is shared."""
        self.sides = []
        for number, database in enumerate(databases):
            place, ports = home / f"g{number}", free_ports()
            place.mkdir(parents=True)
            doors = {name: ports[name] for name in ("hospital", "partner", "operator")}
            settings = _SETTINGS.format(keys=keys, here=ROOT, insurer=insurer, **doors)
            (place / "gateway.toml").write_text(settings.replace('"claims.db"', f'"{database}"'), "utf-8")
            process = _spawn("gateway", "gateway", "--config", str(place / "gateway.toml"), home=place)
            self.sides.append(Side("gateway", f"http://127.0.0.1:{ports['hospital']}/v1/claims", process, signed=True))

    def close(self) -> None:
        for side in self.sides:
            side.process.terminate()
            side.process.wait(30)


async def _waits(url: str, seen: list[int]) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            row = await (await connection.execute(_WAITING)).fetchone()
            seen.append(row[0] if row else 0)
            await asyncio.sleep(0.02)


async def _measure(
    house: House, ring: KeyRing, url: str, rounds: int, claims: int, callers: int, serial: int
) -> Figures:
    seen: list[int] = []
    nodes = len(house.sides)
    for number in range(rounds + 1):
        if number == 1:  # the first round warms up and is not counted
            for side in house.sides:
                side.rates, side.cpu_ms, side.latencies = [], [], []
        each = claims // nodes
        work = [
            _prepare(side, each, serial + (number * nodes + place) * each, ring)
            for place, side in enumerate(house.sides)
        ]
        watching = asyncio.create_task(_waits(url, seen if number else [])) if url else None
        await asyncio.gather(
            *(_drive(side, made, callers // nodes) for side, made in zip(house.sides, work, strict=True))
        )
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    latencies = sorted(one * 1000 for side in house.sides for one in side.latencies)
    return Figures(
        rate=sum(statistics.median(side.rates) for side in house.sides),
        cpu_ms=statistics.mean(statistics.median(side.cpu_ms) for side in house.sides),
        p50=latencies[len(latencies) // 2],
        p99=latencies[int(len(latencies) * 0.99)],
        waited=sum(seen) / len(seen) / nodes if seen else 0.0,
    )


def measure(rounds: int, claims: int, callers: int) -> dict[str, Figures]:
    server = Server()
    with tempfile.TemporaryDirectory() as place:
        home, insurer = Path(place), free_ports()["ant"]
        keys = home / "keys"
        create_development_keys(keys)
        ring = KeyRing.from_directory(keys)
        peer = _spawn("benchmarks.insurer", str(keys), str(insurer), home=home)
        one, two = server.new_database(), server.new_database()
        cases = {
            "SQLite, 1 gateway": ["claims.db"],
            "PostgreSQL, 1 gateway": [one],
            "PostgreSQL, 2 gateways": [two, two],
        }
        found: dict[str, Figures] = {}
        try:
            for number, (name, databases) in enumerate(cases.items()):
                house = House(home / str(number), keys, insurer, databases)
                try:
                    url = databases[0] if "://" in databases[0] else ""
                    serial = 1 + number * 1_000_000
                    found[name] = asyncio.run(_measure(house, ring, url, rounds, claims, callers, serial))
                finally:
                    house.close()
        finally:
            peer.terminate()
            peer.wait(10)
            server.close()
    return found


def report(found: dict[str, Figures]) -> dict[str, float]:
    print(
        f"{'':24}{'claims/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms/claim':>14}{'waited':>9}{'claims/s with own cores':>26}"
    )
    told: dict[str, float] = {}
    for name, one in found.items():
        nodes = 2 if "2" in name else 1
        print(
            f"{name:24}{one.rate:>10.0f}{one.p50:>9.1f}{one.p99:>9.1f}{one.cpu_ms:>14.2f}{one.waited:>9.1%}"
            f"{one.capacity(nodes):>26.0f}"
        )
        told[f"{name}: CPU ms/claim"] = round(one.cpu_ms, 3)
    single, pair = found["PostgreSQL, 1 gateway"], found["PostgreSQL, 2 gateways"]
    told["two_gateways_vs_one"] = round(pair.capacity(2) / single.capacity(1), 3)
    print(
        f"\nTwo gateways can do {told['two_gateways_vs_one']:.2f} x the claims of one (by CPU, less what they waited)"
    )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--claims", type=int, default=1200, help="claims per round")
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    chosen = parser.parse_args()
    told = report(measure(chosen.rounds, chosen.claims, chosen.callers))
    if chosen.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
