"""Fault G1: a bill that kills whoever works on it is set aside after its tries, and the queue moves on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.insurer_double import InsurerDouble, Parlour, parlour
from support.poisoned import BILLS, QUICK_ONLY

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.redriving import redrive
from gateway.claims.conversation.setting_aside import MOST_TRIES
from gateway.claims.conversation.suspects import MOST_DEATHS
from gateway.cli.stage import ROOT

pytestmark = pytest.mark.heavy

_DIED = 9


def process(what: str, file: Path) -> int:
    """One life of a claims room; its exit status."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"}
    command = [sys.executable, str(ROOT / "tests/support/poisoned.py"), what, str(file)]
    return subprocess.run(command, env=environment, cwd=ROOT, timeout=60, check=False).returncode


def open_orders(house: Parlour) -> list[str]:
    return [row["order_id"] for row in house.rows("bill") if row["state"] == "pending"]


async def test_g1_a_bill_that_kills_its_worker_is_set_aside_and_goes_on_when_a_person_redrives_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "claims.db"
    assert process("bring", file) == 0
    ends = [process("work", file) for _ in range(MOST_DEATHS + 1)]
    mended = InsurerDouble(manifest=QUICK_ONLY)
    mended.answers["status"].append(ActResult(state="accepted", verdict="paid", approved=100))
    house = parlour(file, mended)
    (item,) = house.rows("work_item")

    assert ends == [_DIED] * MOST_DEATHS + [0], "each try was counted before it was made"
    assert len(house.rows("bill", state="decided")) == BILLS - 1, "it stopped nothing but itself"
    assert (item["kind"], item["why"], [item["order_id"]]) == ("set-aside", "work-interrupted", open_orders(house))
    assert [row["tries"] for row in house.rows("set_aside")] == [MOST_TRIES]

    await house.engine.aside.learn()
    house.engine.resume(item["order_id"])
    assert not house.engine.running, "no timer and no callback touches it"

    await redrive(house.engine, "operator:li.na", item, "case-2026-9")
    await house.quiet()
    assert house.rows("work_item") == house.rows("set_aside") == []
    assert open_orders(house) == []
    assert [row["who"] for row in house.rows("audit", kind="redriven")] == ["operator:li.na"]
    await house.room.store.close()
