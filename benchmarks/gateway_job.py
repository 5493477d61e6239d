"""One job, two ways, in one run: a 30-line claim to XML, RSA-2048 signed, to the insurer, its answer verified, all durable.

The whole gateway (signed request, schema, money identities, consent, vault, validation, metrics, rows) against a plain
hand-written script. Rounds alternate, so that the machine's mood hits both; trust the ratios. ``--json`` puts them last.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from benchmarks.sample import body
from gateway.cli.ports import free_ports
from gateway.cli.stage import ROOT
from gateway.wire.devkeys import create_development_keys
from gateway.wire.httpsig import sign_request
from gateway.wire.keys import KeyRing

_TICK = os.sysconf("SC_CLK_TCK")
_SETTINGS = """mode = "development"
keys = "{keys}"
mappings = "{here}/benchmarks/partner/mappings"
schemas = "{here}/benchmarks/partner/schemas"

[claims]
database = "claims.db"
hospital_door = {{ port = {hospital} }}
partner_door = {{ port = {partner} }}
operator_door = {{ port = {operator} }}

[[hospitals]]
code = "H99990100003"
name = "测试医院三"
signing_key = "hospital-h3-hmac"

[insurers.bench]
endpoint = "http://127.0.0.1:{insurer}"
"""


@dataclass
class Side:
    """One contender and what was measured of it."""

    name: str
    url: str
    process: "subprocess.Popen[str]"
    signed: bool
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    memory: float = 0.0

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def p(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def _spawn(*command: str, home: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    if not process.stdout.readline():
        raise SystemExit(f"{command[0]} did not start; see its words above ({home})")
    return process


def _prepare(side: Side, count: int, serial: int, ring: KeyRing) -> list[tuple[bytes, dict[str, str]]]:
    """Requests are made before the clock runs: the callers' work is not what is measured."""
    made = []
    for number in range(serial, serial + count):
        content = body(number)
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"k{number}", "Prefer": "wait=20"}
        if side.signed:
            key = ring.verification_key("hospital-h3-hmac")
            headers |= sign_request("POST", "/v1/claims", "", headers, content, key, datetime.now(UTC))
        made.append((content, headers))
    return made


async def _drive(side: Side, requests: list[tuple[bytes, dict[str, str]]], callers: int) -> None:
    waiting = iter(requests)

    async def caller(session: ClientSession) -> None:
        for content, headers in waiting:
            started = time.perf_counter()
            async with session.post(side.url, data=content, headers=headers) as answer:
                reply = await answer.json()
            if answer.status != 200 or reply["state"] != "decided" or not reply["approved_fen"]:
                raise SystemExit(f"{side.name} answered {answer.status}: {reply}")
            side.latencies.append(time.perf_counter() - started)

    async with ClientSession(connector=TCPConnector(limit=callers)) as session:
        started, cpu = time.perf_counter(), side.cpu_seconds()
        await asyncio.gather(*(caller(session) for _ in range(callers)))
        side.rates.append(len(requests) / (time.perf_counter() - started))
        side.cpu_ms.append((side.cpu_seconds() - cpu) / len(requests) * 1000)


def measure(rounds: int, count: int, callers: int) -> dict[str, Side]:
    with tempfile.TemporaryDirectory() as place:
        home, ports = Path(place), free_ports()
        keys = home / "keys"
        create_development_keys(keys)
        ring = KeyRing.from_directory(keys)
        settings = _SETTINGS.format(
            keys=keys,
            here=ROOT,
            hospital=ports["hospital"],
            partner=ports["partner"],
            operator=ports["operator"],
            insurer=ports["ant"],
        )
        (home / "gateway.toml").write_text(settings, "utf-8")
        insurer = f"http://127.0.0.1:{ports['ant']}/claims"
        processes = [_spawn("benchmarks.insurer", str(keys), str(ports["ant"]), home=home)]
        try:
            script = ("benchmarks.handwritten", str(keys))
            hand = _spawn(*script, str(home / "hand.db"), insurer, str(ports["pay"]), home=home)
            processes.append(hand)
            fast = _spawn(*script, str(home / "fast.db"), insurer, str(ports["hcx"]), "uvloop", home=home)
            processes.append(fast)
            gateway = _spawn("gateway", "gateway", "--config", str(home / "gateway.toml"), home=home)
            processes.append(gateway)
            sides = [
                Side("gateway", f"http://127.0.0.1:{ports['hospital']}/v1/claims", gateway, signed=True),
                Side("handwritten", f"http://127.0.0.1:{ports['pay']}/v1/claims", hand, signed=False),
                Side("by hand, uvloop", f"http://127.0.0.1:{ports['hcx']}/v1/claims", fast, signed=False),
            ]
            asyncio.run(_rounds(sides, ring, rounds, count, callers))
            for side in sides:
                side.memory = side.memory_mb()
        finally:
            for process in processes:
                process.terminate()
                process.wait(10)
    return {side.name: side for side in sides}


async def _rounds(sides: list[Side], ring: KeyRing, rounds: int, count: int, callers: int) -> None:
    serial = 1
    for number in range(rounds + 1):
        for side in sides:
            requests = _prepare(side, count if number else count // 4, serial, ring)
            serial += len(requests)
            await _drive(side, requests, callers)
            if number == 0:  # the first round warms up and is not counted
                side.rates, side.cpu_ms, side.latencies = [], [], []


def report(sides: dict[str, Side]) -> dict[str, float]:
    rows = []
    print(f"{'':16}{'claims/s':>10}{'CPU ms/claim':>15}{'p50 ms':>9}{'p99 ms':>9}{'MB':>7}")
    for side in sides.values():
        row = (statistics.median(side.rates), statistics.median(side.cpu_ms), side.p(0.5), side.p(0.99), side.memory)
        rows.append(row)
        print(f"{side.name:16}{row[0]:>10.0f}{row[1]:>15.2f}{row[2]:>9.1f}{row[3]:>9.1f}{row[4]:>7.0f}")
    ours, hand, fast = sides["gateway"], sides["handwritten"], sides["by hand, uvloop"]
    pairs = [a / b for a, b in zip(ours.cpu_ms, hand.cpu_ms, strict=True)]
    fast_pairs = [a / b for a, b in zip(ours.cpu_ms, fast.cpu_ms, strict=True)]
    speeds = [a / b for a, b in zip(ours.rates, hand.rates, strict=True)]
    ratios = {
        "cpu_ratio_vs_handwritten": round(statistics.median(pairs), 3),
        "cpu_ratio_vs_handwritten_uvloop": round(statistics.median(fast_pairs), 3),
        "rate_ratio_vs_handwritten": round(statistics.median(speeds), 3),
        "p99_ratio_vs_handwritten": round(ours.p(0.99) / hand.p(0.99), 3),
        "gateway_claims_per_s": round(rows[0][0], 1),
        "gateway_cpu_ms": round(rows[0][1], 3),
        "handwritten_cpu_ms": round(rows[1][1], 3),
    }
    print(
        f"\nCPU per claim: {ratios['cpu_ratio_vs_handwritten']:.2f} x the hand-written script (per round: "
        f"{', '.join(f'{pair:.2f}' for pair in pairs)}), "
        f"{ratios['cpu_ratio_vs_handwritten_uvloop']:.2f} x the same script on uvloop"
    )
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--claims", type=int, default=1500, help="claims per round and side")
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    chosen = parser.parse_args()
    ratios = report(measure(chosen.rounds, chosen.claims, chosen.callers))
    if chosen.json:
        print(json.dumps(ratios))


if __name__ == "__main__":
    main()
