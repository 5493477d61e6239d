"""The window over the claims room's real ledger and vault, and the payment room over the sandbox's payment channel."""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from payment_kit import SECRET, Start, until

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.types import ClaimKind
from gateway.claims.conversation.states import BillState, ClaimState
from gateway.claims.ledger import Ledger
from gateway.clearing.carrier import Carrier
from gateway.clearing.reader import decided_bill
from gateway.kernel.clock import SystemClock
from gateway.kernel.ids import new_claim_id, new_order_id
from gateway.kernel.secret import Secret
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.pay import PaySimulator
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.vault import Vault

sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))
from rule_bills import submission

_invoices = itertools.count(1)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    yield Ledger(store, Vault({"k1": Secret(os.urandom(32))}, "k1", Secret(os.urandom(32))), SystemClock())
    await store.close()


async def decided(ledger: Ledger, kind: str, approved: int, **more: Any) -> Bill:
    """A decided bill with one claim, on disk as the claims room writes it."""
    edits = {"kind": kind, "split.commercial_pay": [], "split.self_pay_due": 0, **more}
    edits["invoice.bill_no"] = f"{next(_invoices):010d}"
    brought = submission(edits)
    order_id, now = new_order_id(), datetime.now(UTC)
    policy = brought.policies[0]
    claim = ClaimRun(
        new_claim_id(), order_id, 1, policy, ClaimKind(kind), now, ClaimState.DECIDED, "paid", approved=approved
    )
    bill = Bill(order_id, "H99990100001", order_id, "d", brought, now, [claim], b"bill", BillState.DECIDED)
    work = ledger.work()
    work.outbox(bill, "decided")
    await work.flush(bill)
    return bill


ACCOUNT = {"payout_account": {"account_token": "tok-1", "payee_name": "测试甲", "bank_code": "TEST"}}


async def test_a_stored_bill_shrinks_to_ids_and_totals(ledger: Ledger) -> None:
    bill = await decided(ledger, "direct_pay", 1000)
    split, totals = bill.submission.split, decided_bill(ledger.store, bill.order_id)

    assert totals is not None
    assert (totals.fund, totals.account, totals.cash) == (split.fund_total, split.account_pay, split.cash_pay)
    assert (totals.direct_pay, totals.direct_approved, totals.quick_approved) == (True, 1000, 0)
    assert "测试" not in str(totals)
    assert totals.hospital_bear == 0
    assert decided_bill(ledger.store, "ord_none") is None


async def test_a_quick_claim_brings_its_account_token_and_nothing_else_of_the_account(ledger: Ledger) -> None:
    bill = await decided(ledger, "quick_claim", 1000, **ACCOUNT)
    totals = decided_bill(ledger.store, bill.order_id)

    assert totals is not None
    assert (totals.direct_pay, totals.direct_approved, totals.quick_approved) == (False, 0, 1000)
    assert totals.account_token == "tok-1"
    assert "测试" not in str(totals)


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[str]:
    """The sandbox's payment channel on a port of its own."""
    simulator = PaySimulator(SimulatorSettings(keys=tmp_path, gateway_url="http://127.0.0.1:9", ca=None))
    runner = web.AppRunner(simulator.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await simulator.close()
    await runner.cleanup()


async def books(channel: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"{channel}/_ledger") as answer:
        told = await answer.json()
    return list(told["settlements"] if isinstance(told, dict) else told)


async def script(channel: str, do: str) -> None:
    async with aiohttp.ClientSession() as session:
        trouble = {"match": {"op": "order"}, "do": do, "seconds": 1}
        async with session.post(f"{channel}/_script", json=trouble) as answer:
            assert answer.status < 300


@pytest.mark.parametrize("trouble", ["", "lose_answer", "drop_connection", "error500", "garbage"])
async def test_from_the_ledger_to_the_sandbox_channel_and_back_money_moves_once(
    ledger: Ledger, start: Start, channel: str, trouble: str
) -> None:
    room = await start(channel_endpoint=channel)
    if trouble:
        await script(channel, trouble)
    window = Carrier(ledger.store, SystemClock(), f"http://127.0.0.1:{room.ports['payment']}", SECRET, None, 0.02)
    running = asyncio.create_task(window.run())
    direct = await decided(ledger, "direct_pay", 1000)
    quick = await decided(ledger, "quick_claim", 1000, **ACCOUNT)
    window.wake()
    await until(lambda: ledger.store.count("settlement", {"state": "paid"}) == 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await window.close()
    entries = await books(channel)

    assert sorted(entry["amount_fen"] for entry in entries) == [1000, direct.self_pay_due]
    assert {entry["times_applied"] for entry in entries} == {1}
    events = ledger.store.find("event", {"hospital": "H99990100001"})
    assert {(event["order_id"], event["kind"]) for event in events} == {
        (direct.order_id, "paid"),
        (quick.order_id, "paid"),
    }
