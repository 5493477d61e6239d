"""What was promised before a kill holds after it: single use, two persons, and a claim that nobody forgets to ask for."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.doorstage import DoorStage, EvilInsurer
from support.hostile import require_refusal
from support.house import Answer, House
from support.middleman import SETTLE, Middleman
from support.patience import until
from test_admin_door import ask, proposal

from gateway.cli.stage import ROOT
from gateway.sandbox.common import sm2
from gateway.sandbox.huiyibao.envelope import Guard

pytestmark = pytest.mark.heavy

NOTICE = "/partners/huiyibao/hospitalDirect/order/noticeInsuranceAmount"


async def _notice(narrow: DoorStage, ward: House) -> bytes:
    """A genuine, late notice of the insurer huiyibao about a bill of its."""
    bill = sample_bill("huiyibao")
    await ward.settle(bill)
    booked = (await ward.settlements("huiyibao", bill))[0]
    own = sm2.load_private(narrow.keys / "huiyibao-insurer-sm2.key.pem")
    pen = Guard(own, sm2.load_public(narrow.keys / "huiyibao-gateway-sm2.pub.pem"))
    told = {"directPayNo": booked["reference"], "insuranceAmount": 1, "status": 0, "msg": ""}
    return pen.seal(told, datetime.now(UTC))


async def _send(ward: House, notice: bytes) -> Answer:
    return await ward.call("POST", NOTICE, notice, {"Content-Type": "application/json"}, door="partner", proven=False)


async def _brought(
    ward: House, evil: EvilInsurer, middle: Middleman, wait: int, bill: SampleBill | None = None
) -> dict[str, Any]:
    """A bill for the insurer behind ``middle``: its claim, with the order's id."""
    evil.behave = middle.behave
    answer = await ward.submit(bill or sample_bill("package"), wait)
    claim: dict[str, Any] = answer.document["claims"][0]
    return claim | {"order_id": answer.document["order_id"]}


def _asked_often(narrow: DoorStage, claim_id: str) -> None:
    """As after a day of outage: the act of unknown outcome was asked for as often as is agreed."""
    with sqlite3.connect(narrow.home / "claims.db") as database:
        changed = database.execute("UPDATE act SET attempts = 12 WHERE claim_id = ? AND name = 'settle'", (claim_id,))
    assert changed.rowcount == 1
    database.close()


def _renamed(narrow: DoorStage, old: str, new: str) -> None:
    """The same token under another name, with the power to approve."""
    file = narrow.home / "gateway.toml"
    name, roles = f'name = "{old}"', 'roles = ["view", "re-drive"]'
    text = file.read_text("utf-8").replace(name, f'name = "{new}"')
    file.write_text(text.replace(roles, 'roles = ["view", "re-drive", "configure"]'), "utf-8")


async def _state(ward: House, claim: dict[str, Any], wanted: str, patience_s: float = 15) -> dict[str, Any]:
    until = time.monotonic() + patience_s
    while True:
        found: dict[str, Any] = (await ward.order(claim["order_id"])).document["claims"][0]
        if found["state"] == wanted:
            return found
        assert time.monotonic() < until, found
        await asyncio.sleep(0.1)


async def test_a_kill_changes_no_promise_of_the_doors(narrow: DoorStage, ward: House, evil: EvilInsurer) -> None:
    notice, middle = await _notice(narrow, ward), Middleman(narrow, mute_after=SETTLE)
    assert (await _send(ward, notice)).status == 200
    manual = await _brought(ward, evil, Middleman(narrow, quoted="99999.00"), 10)
    bill = sample_bill("package")
    lost = await _brought(ward, evil, middle, 1, bill)
    await _state(ward, lost, "unknown")
    proposed = (await ask(ward, "li.na", "corrections", proposal(manual, 100))).document

    narrow.kill("gateway")
    _asked_often(narrow, lost["claim_id"])
    _renamed(narrow, "li.na", "li.na.again")
    narrow.start("gateway")
    narrow.ready()

    async with House(narrow) as after:
        # A message that was used once is not used again.
        require_refusal(await _send(after, notice), 401, "seal-replay")
        # One person is not two, under whatever name.
        path = f"corrections/{proposed['correction_id']}/approve"
        require_refusal(await ask(after, "li.na", path, method="POST"), 409, "two-persons")
        assert (await ask(after, "wang.wei", path, method="POST")).status == 200
        await after.decided(manual["order_id"], 5)
        # A claim asked for in vain goes to a person; asked for again it gets the insurer's answer, and is paid once.
        assert (await _state(after, lost, "manual"))["reason"] == "outcome-unknown"
        middle.heal()
        await until(lambda: _asked_again(after, lost["claim_id"]))
        view = (await after.decided(lost["order_id"], 10)).document
        assert view["claims"][0]["outcome"] == "paid"
        assert len(await after.settlements("package", bill)) == 1
    _require_whole_audit(narrow)


async def _asked_again(house: House, claim_id: str) -> bool:
    """Whoever is told that the order is being worked on repeats the request, as the answer says."""
    again = await ask(house, "wang.wei", f"claims/{claim_id}/enquire", {"reason": "case-7"})
    if again.status == 409:
        assert again.document["code"] == "order-busy", again.body
    else:
        assert again.status == 202, again.body
    return again.status == 202


def _require_whole_audit(narrow: DoorStage) -> None:
    config = str(narrow.home / "gateway.toml")
    command = [sys.executable, "-m", "gateway", "audit", "verify", "--config", config]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
