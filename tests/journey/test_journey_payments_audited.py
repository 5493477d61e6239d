"""Payments in the audit: number, kind, amount and state of each stand in the chain, so that a touched row is found."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.payroom import Street, street, until

from gateway.kernel.settlements import made_of
from gateway.store.chain_check import check
from gateway.store.claims_tables import CLAIMS
from gateway.store.snapshot import Snapshot

AMOUNT = 5686


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Street]:
    async with street(tmp_path) as opened:
        yield opened


def payments_wrong(home: Path) -> list[str]:
    """What ``lianpei audit verify`` says of payments; the bills here were put in by the test and have no history."""
    snapshot = Snapshot(home / "claims.db", CLAIMS)
    try:
        return [one for one in check(snapshot, CLAIMS, lambda _: None).findings if one.startswith("payment ")]
    finally:
        snapshot.close()


def touch(home: Path, statement: str) -> None:
    """As somebody with the file and a database tool would."""
    with sqlite3.connect(home / "claims.db") as tool:
        tool.execute(statement)
    tool.close()


async def test_a_payments_first_change_binds_its_number_kind_and_amount(road: Street, tmp_path: Path) -> None:
    order_id = await road.bill(AMOUNT)
    await road.ends(order_id, "paid")

    (row,) = road.rows(order_id)
    changes = road.store.find("change", {"order_id": order_id}, limit=100)
    mine = [one for one in changes if one["act_id"] == row["settlement_id"]]
    assert mine[0]["cause"] == made_of("decided", "SELF_PAY", AMOUNT)
    assert mine[-1]["new"] == "paid"
    assert payments_wrong(tmp_path) == []


@pytest.mark.parametrize(
    ("altered", "found"),
    [
        (f"amount = {AMOUNT + 1}", "kind or amount"),
        ("kind = 'PAYOUT'", "kind or amount"),
        ("state = 'failed'", "its state"),
        ("settlement_id = 'stl_0'", "no history"),
    ],
)
async def test_a_payment_that_was_touched_is_found(road: Street, tmp_path: Path, altered: str, found: str) -> None:
    order_id = await road.bill(AMOUNT)
    await road.ends(order_id, "paid")
    touch(tmp_path, f"UPDATE settlement SET {altered} WHERE order_id = '{order_id}'")

    (told,) = payments_wrong(tmp_path)
    assert found in told


async def test_a_payment_that_was_put_in_is_found(road: Street, tmp_path: Path) -> None:
    order_id = await road.bill(AMOUNT)
    await road.ends(order_id, "paid")
    forged = f"('{order_id}', 'PAYOUT', 'stl_forged', 100, 'created', 1, 1)"
    names = "order_id, kind, settlement_id, amount, state, created_at, updated_at"
    touch(tmp_path, f"INSERT INTO settlement ({names}) VALUES {forged}")

    assert payments_wrong(tmp_path) == ["payment stl_forged: it has no history"]


async def test_payments_from_before_they_were_numbered_in_the_record_are_held_by_their_count(
    road: Street, tmp_path: Path
) -> None:
    order_id = await road.bill(AMOUNT)
    await road.ends(order_id, "paid")
    touch(tmp_path, f"UPDATE change SET act_id = '', cause = 'decided' WHERE order_id = '{order_id}' AND old = ''")
    touch(tmp_path, f"UPDATE change SET act_id = '' WHERE order_id = '{order_id}'")

    assert payments_wrong(tmp_path) == []


async def test_deposits_refunds_and_double_payments_are_held_too(road: Street, tmp_path: Path) -> None:
    deposit = await road.deposit(10_000)
    order_id = await road.bill(AMOUNT, timing="PRE_POST", deposits=deposit)
    await road.ends(order_id, "paid")
    await until(lambda: any(row["kind"].startswith("back:") and row["state"] == "paid" for row in road.rows(order_id)))

    assert len(road.rows(order_id)) + len(road.rows(deposit)) >= 2
    assert payments_wrong(tmp_path) == []
