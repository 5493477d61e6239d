"""The window over a PostgreSQL server: deposits, the ladder and an undo's refund need nothing that only SQLite has."""

import asyncio
from pathlib import Path
from typing import Any

from support.payroom import HOSPITAL, Street, put_wish, street
from support.postgres import Server

from gateway.store.claims_tables import CLAIMS
from gateway.store.postgres import Store
from gateway.store.unit import Unit

ORDER, DEPOSIT = "ord_postgres", "dep_postgres"


async def reaches(road: Street, table: str, wanted: str, **key: Any) -> None:
    async with asyncio.timeout(10):
        while True:
            row = await road.store.read(road.store.get, table, **key)
            if row is not None and row["state"] == wanted:
                return
            await asyncio.sleep(0.02)


def errand(unit: Unit, kind: str, order_id: str) -> None:
    unit.insert("outbox", kind=kind, order_id=order_id, at=1, attempts=0, next_at=0)


def decided() -> Unit:
    """20.00 in deposit, 50.00 to pay, of a patient whom the preferred channel may not serve."""
    unit, bill = Unit(), {"total": 5000, "fund_total": 0, "account_pay": 0, "cash_pay": 5000, "payout_token": ""}
    named = {"order_id": ORDER, "hospital": HOSPITAL, "idem_key": ORDER, "kind": "direct_pay", "state": "decided"}
    unit.insert("bill", **named, **bill, created_at=1, order_kind="PRE_POST", wishes=1)
    put_wish(unit, ORDER, deposits=DEPOSIT, channels="deduct pay", payer_token="acct-1")
    unit.insert("claim", claim_id="clm_p", order_id=ORDER, seq=1, kind="direct_pay", approved=0)
    row = {"deposit_id": DEPOSIT, "hospital": HOSPITAL, "idem_key": DEPOSIT, "body_digest": "d"}
    unit.insert("deposit", **row, amount=2000, created_at=1)
    put_wish(unit, DEPOSIT)
    errand(unit, "deposit", DEPOSIT)
    errand(unit, "decided", ORDER)
    return unit


async def test_a_bill_with_a_deposit_is_collected_and_undone_over_postgresql(
    tmp_path: Path, postgres_server: Server
) -> None:
    store = Store.open(postgres_server.url("postgres"), postgres_server.new_schema(CLAIMS))
    async with street(tmp_path, store=store) as road:
        await store.commit(decided())
        await reaches(road, "settlement", "paid", order_id=ORDER, kind="SELF_PAY")
        unit, leg = Unit(), {"undo_id": "und_p", "leg": "cash", "order_id": ORDER, "kind": "cash", "state": "asked"}
        unit.insert("undo_leg", **leg, amount=4000, updated_at=1)
        errand(unit, "refund", ORDER)
        await store.commit(unit)
        await reaches(road, "undo_leg", "undone", undo_id="und_p", leg="cash")

        rows = await store.read(store.find, "settlement", {"order_id": ORDER}, limit=10)
        assert {row["kind"]: (row["amount"], row["state"], row["channel"]) for row in rows} == {
            "SELF_PAY": (3000, "paid", "pay"),
            "refund:und_p": (3000, "paid", "pay"),
            "refund:und_p:2": (1000, "paid", "pay"),
        }
