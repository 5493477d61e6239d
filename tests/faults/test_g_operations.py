"""Cases G8, G9 and G10: a missing key, hours of load, and what the probes say while something is slow or away."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from support.bills import sample_bill
from support.certificates import put_key
from support.hooked import HookedStage
from support.house import House
from support.keyhouse import make_keys, peer, serving
from support.patience import until

from gateway.cli.ports import free_ports
from gateway.wire.devkeys import create_development_keys

pytestmark = pytest.mark.heavy


@dataclass
class Ward(HookedStage):
    """Its insurer ``hcx`` is away: nobody listens at its port. Its disk is as slow as the file ``pause`` says."""

    def _gateway_settings(self) -> str:
        told = super()._gateway_settings()
        return told.replace(f"localhost:{self.ports['hcx']}", f"localhost:{self.ports['away']}")

    @property
    def pid(self) -> int:
        return self.processes["gateway"].pid

    def resident(self) -> int:
        """KiB of the gateway."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def slow_down(self, pause_s: float) -> None:
        (self.home / "pause").write_text(str(pause_s), "ascii")


@pytest.fixture(scope="module")
def ward_stage(tmp_path_factory: pytest.TempPathFactory, stage_home: Path) -> Iterator[Ward]:
    """With a copy of the keys, because a test takes one away."""
    home = tmp_path_factory.mktemp("operations")
    create_development_keys(stage_home / "keys")
    shutil.copytree(stage_home / "keys", home / "keys")
    hooks = {"gateway": {"disk": {"kept": str(home / "kept"), "pause": str(home / "pause")}}}
    with Ward(home, free_ports("away"), home / "keys", hooks=hooks) as running:
        running.ready()
        yield running


async def probes(house: House) -> list[int]:
    return [(await house.call("GET", path, door="operator")).status for path in ("/healthz", "/readyz")]


async def test_g8_an_insurer_whose_key_is_missing_stays_out_and_the_others_serve(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys")
    put_key(keys, "hospital", ed25519.Ed25519PrivateKey.generate())
    for file in keys.glob("ant-gateway-rsa*"):
        file.unlink()
    async with serving(keys, peer()) as gateway:
        assert tuple(gateway.engine.registry.codes) == ("eclaimlink",)
        assert gateway.ready()


async def test_g8_a_key_that_is_gone_at_a_reload_keeps_what_serves_and_is_told(ward_stage: Ward) -> None:
    async with House(ward_stage) as house:
        assert (await house.submit(sample_bill("package"))).is_decided
        for file in ward_stage.keys.glob("ant-gateway-rsa*"):
            file.unlink()
        os.kill(ward_stage.pid, signal.SIGHUP)

        async def is_told() -> bool:
            metrics = (await house.call("GET", "/metrics", door="operator")).body.decode()
            [kept] = [line for line in metrics.splitlines() if line.startswith("lianpei_keys_kept ")]
            return float(kept.split()[1]) >= 1

        await until(is_told, 20)
        others = [await house.settle(sample_bill(code)) for code in ("package", "ant")]
        seen = await probes(house)
    assert [one["claims"][0]["outcome"] for one in others] == ["paid", "paid"]
    assert seen == [200, 200]


async def test_g10_with_one_insurer_away_the_gateway_is_ready_and_the_others_serve(ward_stage: Ward) -> None:
    async with House(ward_stage) as house:
        away = await house.submit(sample_bill("hcx"), wait=1)
        others = await house.submit(sample_bill("package"))
        seen = await probes(house)
    assert away.status in (200, 202)
    assert away.document["claims"][0]["outcome"] in (None, "not_sent"), "nothing was sent and nothing is invented"
    assert others.is_decided
    assert seen == [200, 200]


async def test_g10_with_a_slow_disk_the_probes_answer_at_once(ward_stage: Ward) -> None:
    """B5 at the door: bills take as long as their commits, and nobody is refused for it."""
    async with House(ward_stage) as house:
        ward_stage.slow_down(0.25)
        asked = [asyncio.create_task(house.submit(sample_bill("package"))) for _ in range(8)]
        await asyncio.sleep(0.3)
        started = time.monotonic()
        seen = await probes(house)
        took = time.monotonic() - started
        answers = await asyncio.gather(*asked)
        ward_stage.slow_down(0)
    assert seen == [200, 200]
    assert took < 2
    assert {answer.status for answer in answers} <= {200, 202}


async def test_g9_after_some_load_memory_files_and_answers_are_as_before(ward_stage: Ward) -> None:
    await _soak(ward_stage, warm=24, bills=64, growth=1.1)


@pytest.mark.long
async def test_g9_a_day_at_half_load_then_an_hour_beyond(ward_stage: Ward) -> None:
    """``LIANPEI_SOAK_HOURS`` (24)."""
    bills = int(float(os.environ.get("LIANPEI_SOAK_HOURS", "24")) * 3600 * 10)
    await _soak(ward_stage, warm=500, bills=bills, growth=1.05)


async def _soak(stage: Ward, warm: int, bills: int, growth: float) -> None:
    async with House(stage) as house:
        await _load(house, warm, 4)
        before, files, early = stage.resident(), stage.descriptors(), await _load(house, bills // 2, 4)
        late = await _load(house, bills // 2, 4)
        after, held = stage.resident(), stage.descriptors()
        burst = [asyncio.create_task(house.submit(sample_bill("package"))) for _ in range(48)]
        told = {(await one).status for one in burst}
        calm = time.monotonic()
        again = await house.submit(sample_bill("package"))
        recovered = time.monotonic() - calm
    p99 = [quantiles(one, n=100)[-1] for one in (early, late)]
    print(f"RSS {before} -> {after} KiB, files {files} -> {held}, p99 {p99}, recovered in {recovered:.1f} s")
    assert after < before * growth
    assert held <= files + 4
    assert p99[1] < 3 * p99[0] + 0.2
    assert told <= {200, 202, 503}
    assert again.is_decided
    assert recovered < 10


async def _load(house: House, bills: int, workers: int) -> list[float]:
    """Seconds of each bill."""
    took: list[float] = []

    async def counter(count: int) -> None:
        for _ in range(count):
            started = time.monotonic()
            assert (await house.submit(sample_bill("package"))).is_decided
            took.append(time.monotonic() - started)

    await asyncio.gather(*(counter(bills // workers) for _ in range(workers)))
    return took
