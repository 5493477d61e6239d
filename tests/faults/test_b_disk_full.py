"""Cases B3, B6, B9 and G10 on a running gateway: a full disk, a damaged file, a second process, and what its probes say."""

import asyncio
import contextlib
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bills import SampleBill, sample_bill
from support.hostile import require_refusal
from support.house import House
from support.patience import until
from support.room import AUDIT_KEY, open_room

from gateway.cli.ports import free_ports
from gateway.cli.stage import ROOT, Stage
from gateway.kernel.errors import ConfigRefused
from gateway.store.chain_check import check
from gateway.store.claims_tables import CLAIMS
from gateway.store.snapshot import Snapshot


@contextlib.contextmanager
def full_disk(stage: Stage) -> Iterator[None]:
    """No file of the gateway grows: its database, the log beside it, its temporary files."""
    pid = stage.processes["gateway"].pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, most))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


async def probe(house: House, path: str) -> int:
    return (await house.call("GET", path, door="operator")).status


async def settles(house: House) -> int:
    return len([one for one in await house.received("package") if one["op"] == "S291"])


async def calls(house: House) -> int:
    return len(await house.received("package"))


async def applied(house: House, bill: SampleBill) -> list[int]:
    return [one["times_applied"] for one in await house.settlements("package", bill)]


async def test_b3_with_a_full_disk_no_intent_is_sent_and_the_hospital_is_told_to_come_again(
    house: House, stage: Stage
) -> None:
    bill, before = sample_bill("package"), await calls(house)
    with full_disk(stage):
        refused = await house.submit(bill)
        probes = [await probe(house, path) for path in ("/healthz", "/readyz")]
    after = await calls(house)

    again = await house.submit(bill)

    require_refusal(refused, 503, "store-failed")
    assert probes == [200, 503], "alive, and not ready (G10)"
    assert after == before
    assert again.is_decided, again.body
    assert await applied(house, bill) == [1]
    assert await probe(house, "/readyz") == 200


async def test_b3_a_disk_that_is_full_when_the_answer_comes_leaves_the_claim_pending_and_pays_once(
    house: House, stage: Stage
) -> None:
    bill, before = sample_bill("package"), await settles(house)
    await house.script("package", "S291", "delay", seconds=1)
    asked = asyncio.create_task(house.submit(bill))

    async def is_out() -> bool:
        return await settles(house) > before

    await until(is_out)
    with full_disk(stage):
        told = await asked
        ready = await probe(house, "/readyz")
        seen = (await house.order(told.document["order_id"])).document
    final = await house.decided(told.document["order_id"])

    assert (told.status, told.document["state"]) == (202, "pending"), "decided only when that is on disk"
    assert ready == 503
    assert seen["state"] == "pending"
    assert final.document["claims"][0]["outcome"] == "paid"
    assert await settles(house) == before + 1
    assert await applied(house, bill) == [1]


async def test_b3_the_gateway_is_ready_again_once_there_is_room_and_not_before_although_nobody_sends_a_bill(
    house: House, stage: Stage
) -> None:
    with full_disk(stage):
        await house.submit(sample_bill("package"))
        while_full = []
        for _ in range(30):
            while_full.append(await probe(house, "/readyz"))
            await asyncio.sleep(0.1)

    async def is_ready() -> bool:
        return await probe(house, "/readyz") == 200

    assert set(while_full) == {503}
    await until(is_ready)


async def test_b6_a_flipped_bit_in_the_history_is_found_by_name(tmp_path: Path) -> None:
    room = open_room(tmp_path / "claims.db")
    bill = await room.brought()
    await room.wish("checkpoint")
    await room.store.close()
    content = bytearray(room.path.read_bytes())
    content[content.index(b"all-claims-final")] ^= 1
    room.path.write_bytes(content)

    snapshot = Snapshot(room.path, CLAIMS)
    report = check(snapshot, CLAIMS, lambda name: AUDIT_KEY.public_key(), None)
    snapshot.close()

    assert bill.order_id in str(report.findings)


def test_b6_a_gateway_does_not_serve_from_a_damaged_file(tmp_path: Path, stage_home: Path) -> None:
    other = Stage(tmp_path, free_ports(), stage_home / "keys")
    other.prepare()
    asyncio.run(open_room(tmp_path / "claims.db").store.close())
    content = bytearray((tmp_path / "claims.db").read_bytes())
    content[-3 * 4096 : -2 * 4096] = b"\xff" * 4096
    (tmp_path / "claims.db").write_bytes(content)

    with pytest.raises(ConfigRefused) as refused:
        other.start("gateway")

    assert "store-corrupt" in str(refused.value.hint)
    assert (tmp_path / "claims.db").read_bytes() == content, "the file is evidence"
    other.stop()


async def test_b9_a_second_process_on_the_same_file_does_not_start_and_the_first_goes_on(
    house: House, stage: Stage
) -> None:
    settings = (stage.home / "gateway.toml").read_text("utf-8")
    for door, port in free_ports().items():
        settings = settings.replace(f"port = {stage.ports[door]}", f"port = {port}")
    (stage.home / "second.toml").write_text(settings, "utf-8")
    command = [sys.executable, "-m", "gateway", "gateway", "--config", str(stage.home / "second.toml")]

    second = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert second.returncode != 0
    assert "store-in-use" in second.stderr
    assert "listening" not in second.stdout
    assert (await house.submit(sample_bill("package"))).is_decided
