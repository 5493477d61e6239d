"""Case B11: a start with a long queue of pending claims is ready in seconds, serves who comes, and floods no insurer.

What was sent before and is pending is told again under its own number, as this insurer's folder says.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.bills import sample_bill
from support.house import House

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.claim import Submission
from gateway.claims.conversation.states import ClaimState
from gateway.claims.intake import canonical_bytes
from gateway.claims.ledger import Ledger
from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage
from gateway.config import load_settings
from gateway.kernel.clock import SystemClock
from gateway.kernel.ids import new_act_id, new_claim_id, new_order_id
from gateway.opening import load_keys, open_store, open_vault
from gateway.store.unit import Unit

pytestmark = pytest.mark.heavy

AT_ONCE = 32
"""As the folder ``ant`` limits it."""
THINKS_S = 0.5


async def queue_up(stage: Stage, count: int) -> None:
    """Claims that an insurer took an hour ago and has not decided."""
    settings = load_settings(str(stage.home / "gateway.toml"))
    assert settings.claims is not None
    keys, clock = load_keys(stage.keys, settings.mode), SystemClock()
    store = open_store(settings.claims, stage.home, keys)
    ledger = Ledger(store, open_vault(settings.claims, keys), clock)
    for _ in range(0, count, 100):
        await asyncio.gather(*(_pending(ledger) for _ in range(min(100, count))))
    await store.close()


async def _pending(ledger: Ledger) -> None:
    sample = sample_bill("ant")
    submission = msgspec.json.decode(sample.body, type=Submission)
    encoded, digest = canonical_bytes(submission)
    order_id, now = new_order_id(), ledger.clock.now()
    claim = ClaimRun(new_claim_id(), order_id, 1, submission.policies[0], submission.kind, now, policy_no=1)
    claim.state, claim.claimed, claim.dirty = ClaimState.ACCEPTED, submission.split.cash_pay, True
    claim.next_at = ledger.clock.epoch_ms()
    bill = Bill(order_id, submission.visit.hospital_code, sample.key, digest, submission, now, [claim], encoded)
    work = ledger.work()
    work.safe.belong_to(bill)
    _act(work.unit, claim, ledger.clock.epoch_ms() - 3_600_000)
    await work.flush(bill)


def _act(unit: Unit, claim: ClaimRun, at: int) -> None:
    told: dict[str, Any] = {"claim_id": claim.claim_id, "order_id": claim.order_id, "insurer": claim.insurer}
    told |= {"name": "report", "batch_no": 1, "batch_count": 1, "serial": 1, "state": "pending", "outcome": "pending"}
    told |= {"attempts": 1, "mapping": "ant/report", "mapping_version": 1, "correlation": claim.claim_id}
    unit.insert("act", act_id=new_act_id(), **told, prepared_at=at, answered_at=0, deadline_at=at + 8000)


async def _most_at_once(house: House, seconds: float) -> float:
    """Requests for each time that the insurer thinks, at their densest."""
    seen: list[tuple[float, int]] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        seen.append((time.monotonic(), len(await house.received("ant"))))
        await asyncio.sleep(0.1)
    return max(
        (later - earlier) / max(1.0, (now - then) / THINKS_S)
        for place, (then, earlier) in enumerate(seen)
        for now, later in seen[place + 1 :]
        if now - then >= THINKS_S
    )


@pytest.mark.parametrize(
    "count", [600, pytest.param(int(os.environ.get("LIANPEI_QUEUE", "100000")), marks=pytest.mark.long)]
)
async def test_b11_a_start_with_a_long_queue_is_ready_serves_and_is_paced(
    tmp_path: Path, stage_home: Path, count: int
) -> None:
    stage = Stage(tmp_path, free_ports(), stage_home / "keys")
    stage.prepare()
    await queue_up(stage, count)
    try:
        for name in ("sandbox", "payment"):
            await asyncio.to_thread(stage.start, name)
        async with House(stage) as house:
            await house.script("ant", "*", "delay", seconds=THINKS_S, times=10**6)
            started = time.monotonic()
            await asyncio.to_thread(stage.start, "gateway")
            await asyncio.to_thread(stage.ready)
            ready_s = time.monotonic() - started
            densest = asyncio.create_task(_most_at_once(house, 3))
            asked = time.monotonic()
            answer = await house.submit(sample_bill("package"))
            served_s = time.monotonic() - asked
            most = await densest
            metrics = (await house.call("GET", "/metrics", door="operator")).body.decode()
        print(f"{count} pending: ready in {ready_s:.1f} s, a bill in {served_s:.1f} s, {most:.0f} calls at once")
    finally:
        stage.stop()
    assert ready_s < 60, "the whole file is checked before it is served"
    assert answer.is_decided
    assert served_s < 10
    assert 1 < most <= AT_ONCE * 1.5, "twice within one thought is more than the limit"
    [waiting] = [
        line
        for line in metrics.splitlines()
        if line.startswith("lianpei_lane_depth") and "ant" in line and "quick" in line
    ]
    assert float(waiting.split()[-1]) > 0
