"""The image is built as it is described, runs as little as it may, and a bill goes through it (docs/deploy.md)."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.bills import sample_bill
from support.boxes import UID, BoxedStage, build, run
from support.house import House
from support.patience import until

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def boxed(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoxedStage]:
    with BoxedStage(tmp_path_factory.mktemp("boxed"), image) as stage:
        stage.ready()
        yield stage


def inside(stage: BoxedStage, room: str, program: str) -> Any:
    """What a Python program prints as JSON in a room's container."""
    return json.loads(run("podman", "exec", stage.name(room), "python", "-c", program).stdout)


LOOK = """
import importlib.util, json, os, shutil
from pathlib import Path
def refused(place):
    try:
        (Path(place) / "written").write_text("")
    except OSError:
        return True
    (Path(place) / "written").unlink()
    return False
status = dict(line.split(":\\t", 1) for line in Path("/proc/1/status").read_text().splitlines() if ":\\t" in line)
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16),
    "no new privileges": status["NoNewPrivs"],
    "writable": [place for place in ("/", "/tmp", "/etc/lianpei", "/etc/lianpei/keys", "/opt/lianpei", "/var/lib/lianpei")
                 if not refused(place)],
    "modules": [name for name in ("pip", "setuptools", "ensurepip", "pytest", "gateway.sandbox", "tests", "simulation",
                                  "jwcrypto", "Crypto") if importlib.util.find_spec(name)],
    "programs": [name for name in ("pip", "pip3", "gcc", "cc", "git", "curl", "wget") if shutil.which(name)],
    "secrets": [str(one) for one in (Path("/etc/pip.conf"), Path("/run/secrets/ca")) if one.exists()],
}))
"""


@pytest.mark.parametrize("room", ["gateway", "payment"])
def test_a_room_has_no_rights_no_tools_and_one_place_to_write(boxed: BoxedStage, room: str) -> None:
    assert inside(boxed, room, LOOK) == {
        "user": [UID, UID],
        "capabilities": 0,
        "no new privileges": "1",
        "writable": ["/var/lib/lianpei"],
        "modules": [],
        "programs": [],
        "secrets": [],
    }


@pytest.mark.parametrize("room", ["gateway", "payment"])
def test_the_health_check_answers(boxed: BoxedStage, room: str) -> None:
    assert boxed.healthy(room)


@pytest.mark.parametrize("insurer", ["package", "huiyibao", "ant", "eclaimlink", "hcx"])
async def test_a_bill_goes_through_and_its_money_is_ordered(boxed: BoxedStage, insurer: str) -> None:
    async with House(boxed) as house:
        bill = sample_bill(insurer)
        view = await house.settle(bill)
        assert view["claims"][0]["outcome"] == "paid"
        assert len(await house.settlements(insurer, bill)) == 1

        async def ordered() -> bool:
            seen = await house.call("GET", f"/v1/orders/{view['order_id']}/payments")
            return bool(seen.document["payments"])

        await until(ordered)


async def test_a_stop_drains_and_the_bill_under_way_goes_on_in_the_next_container(boxed: BoxedStage) -> None:
    """The insurer thinks longer than the stop may take: the counter is told to ask again, and nothing is asked for twice."""
    bill = sample_bill("package", policy="SLOW")
    async with House(boxed) as house:
        waiting = asyncio.create_task(house.submit(bill))
        await asyncio.sleep(1)
        assert await asyncio.to_thread(boxed.end, "gateway") == 0
        answer = await waiting
        assert answer.status == 202
    boxed.start("gateway")
    boxed.ready()
    async with House(boxed) as house:
        await house.decided(answer.document["order_id"])
        assert len(await house.settlements("package", bill)) == 1


def test_the_payment_room_stops_in_order(boxed: BoxedStage) -> None:
    assert boxed.end("payment") == 0
    boxed.start("payment")


def test_a_command_that_needs_the_simulators_says_that_they_are_not_here(image: str) -> None:
    told = run("podman", "run", "--rm", "--network=none", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096",
               image, "sandbox", "--keys", "/", "--gateway", "https://localhost", check=False)  # fmt: skip
    assert told.returncode == 1
    assert "needs the simulators" in told.stderr
    assert "Traceback" not in told.stderr
