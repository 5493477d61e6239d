"""Receipts and errands write the same settlements: whoever is second reads again, and nobody makes a noise about it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.clearing.carrier import Carrier
from gateway.clearing.rows import Rows
from gateway.kernel.clock import SystemClock
from gateway.kernel.ids import new_settlement_id
from gateway.kernel.secret import Secret
from gateway.kernel.settlements import State
from gateway.payment.model import Receipt, Result
from gateway.store.claims_tables import CLAIMS
from gateway.store.errors import StoreFailed
from gateway.store.sqlite import Store
from gateway.store.unit import Unit

ORDER = "ord_1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made, now, number = Store.open(tmp_path / "claims.db", CLAIMS), 1, new_settlement_id()
    await made.commit(
        Unit()
        .insert("bill", order_id=ORDER, hospital="H1", idem_key=ORDER, state="decided", cash_pay=5000)
        .insert(
            "settlement",
            order_id=ORDER,
            kind="SELF_PAY",
            settlement_id=number,
            amount=5000,
            state="created",
            created_at=now,
            updated_at=now,
        )
    )
    yield made
    await made.close()


def just_before(store: Any, wanted: Callable[[Unit], bool], other: Callable[[], Awaitable[None]]) -> None:
    """``other`` is committed just before the first unit that ``wanted`` picks."""
    commit = store.commit

    async def later(unit: Unit) -> None:
        if wanted(unit):
            store.commit = commit
            await other()
        await commit(unit)

    store.commit = later


def writes(state: str) -> Callable[[Unit], bool]:
    return lambda unit: any(step.table == "settlement" and state in step.values for step in unit.steps)


async def test_a_receipt_that_meets_the_note_that_its_order_was_taken_is_written_at_once(store: Store) -> None:
    rows = Rows(store, SystemClock())
    row = await rows.row(ORDER, "SELF_PAY")
    assert row is not None
    just_before(store, writes("paid"), lambda: rows.became(row, State.ORDERED, "order-taken"))

    receipt = Receipt(seq=7, settlement_id=row["settlement_id"], result=Result.PAID, amount=5000, at=1)
    known = await rows.receive(receipt)

    after = await rows.row(ORDER, "SELF_PAY")
    assert known
    assert after is not None
    assert after["state"] == "paid"
    assert await rows.last_receipt() == 7
    assert [one["kind"] for one in store.find("event", {"order_id": ORDER})] == ["paid"]


async def test_a_process_that_lost_the_window_neither_repeats_receipts_nor_puts_the_feed_back(store: Store) -> None:
    """It still has a page in hand that the one who took over has read, and more."""
    rows, taken_over = Rows(store, SystemClock()), Rows(store, SystemClock())
    row = await rows.row(ORDER, "SELF_PAY")
    assert row is not None
    receipt = Receipt(seq=7, settlement_id=row["settlement_id"], result=Result.PAID, amount=5000, at=1)
    unknown = Receipt(seq=9, settlement_id=new_settlement_id(), result=Result.PAID, amount=1, at=1)

    async def both() -> None:
        await taken_over.receive(receipt)
        await taken_over.receive(unknown)

    just_before(store, writes("paid"), both)
    await rows.receive(receipt)

    assert await rows.last_receipt() == 9
    assert [one["kind"] for one in store.find("event", {"order_id": ORDER})] == ["paid"]


async def test_the_window_goes_on_when_the_database_was_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its two loops end by cancellation alone: a process whose window has ended is not ready any more."""
    window = Carrier(store, SystemClock(), "http://127.0.0.1:1", Secret("s" * 32), None, 0.01)
    read, failures = store.read, 0

    async def away(*asked: Any, **named: Any) -> Any:
        nonlocal failures
        failures += 1
        if failures < 20:
            raise StoreFailed("away")
        return await read(*asked, **named)

    monkeypatch.setattr(store, "read", away)
    work = asyncio.create_task(window.run())
    await asyncio.sleep(0.3)

    assert failures > 20
    assert not work.done()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await window.close()
