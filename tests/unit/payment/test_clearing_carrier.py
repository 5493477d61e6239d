"""From a decision row to a paid row, over two real databases, two real ports and every restart in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pay_peer import PayPeer
from payment_kit import SECRET, Start, order, until

from gateway.clearing.carrier import Carrier
from gateway.clearing.door import PaymentDoor
from gateway.kernel.clock import SystemClock
from gateway.kernel.ids import OrderId, new_claim_id, new_order_id
from gateway.payment.model import OrderKind
from gateway.payment.room import RunningPayment
from gateway.payment.settings import PaymentRoomSettings
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.unit import Unit
from gateway.wire.http import PartnerClient

HOSPITAL = "H99990100001"


class Claims:
    """The claims room as the window sees it: rows of decided bills."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def decide(self, cash: int = 17231, approved: int = 11545, quick: bool = False) -> OrderId:
        """What the claims room writes when the last policy of a bill has decided."""
        order_id, unit = new_order_id(), Unit()
        kind = "quick_claim" if quick else "direct_pay"
        unit.insert(
            "bill",
            order_id=order_id,
            hospital=HOSPITAL,
            idem_key=order_id,
            kind=kind,
            state="decided",
            total=13769 + 12000 + cash,
            fund_total=13769,
            account_pay=12000,
            cash_pay=cash,
            payout_token="tok-1" if quick else "",
        )
        unit.insert("claim", claim_id=new_claim_id(), order_id=order_id, seq=1, kind=kind, approved=approved)
        unit.insert("outbox", kind="decided", order_id=order_id, at=1, attempts=0, next_at=0)
        await self.store.commit(unit)
        return order_id

    async def redo(self, order_id: str, approved: int) -> None:
        """As if the window had died before it noted that the order was taken; the decision now says ``approved``."""
        claim = self.store.find("claim", {"order_id": order_id})[0]
        unit = Unit()
        unit.update("claim", {"order_id": order_id, "seq": claim["seq"]}, approved=approved)
        unit.insert("outbox", kind="decided", order_id=order_id, at=1, attempts=0, next_at=0)
        unit.update("settlement", {"order_id": order_id, "kind": "SELF_PAY"}, state="created")
        await self.store.commit(unit)

    def settled(self, order_id: str, kind: str = "SELF_PAY") -> str:
        row = self.store.get("settlement", order_id=order_id, kind=kind)
        return "" if row is None else str(row["state"])

    def events(self, order_id: str) -> list[str]:
        return [row["kind"] for row in self.store.find("event", {"order_id": order_id})]

    def open_rows(self) -> int:
        return self.store.count("outbox", {})


@pytest.fixture
async def claims(tmp_path: Path) -> AsyncIterator[Claims]:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    yield Claims(store)
    await store.close()


@asynccontextmanager
async def carrier(claims: Claims, port: int, running: bool = True) -> AsyncIterator[Carrier]:
    """The window at work; leaving stops it as a stopping process would."""
    window = Carrier(claims.store, SystemClock(), f"http://127.0.0.1:{port}", SECRET, None, 0.02)
    task = asyncio.create_task(window.run()) if running else None
    try:
        yield window
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await window.close()


async def test_a_decision_becomes_an_order_a_receipt_and_paid(
    claims: Claims, room: RunningPayment, peer: PayPeer
) -> None:
    async with carrier(claims, room.port):
        order_id = await claims.decide()
        await until(lambda: claims.settled(order_id) == "paid")

    row = claims.store.get("settlement", order_id=order_id, kind="SELF_PAY")
    assert row is not None
    assert row["amount"] == 5686
    assert peer.applied == {row["settlement_id"]: 1}
    assert claims.events(order_id) == ["paid"]
    assert claims.open_rows() == 0
    changes = claims.store.find("change", {"order_id": order_id, "field": "settlement"})
    assert (changes[0]["new"], changes[-1]["new"]) == ("created", "paid")


async def test_the_payment_room_can_not_tell_which_order_it_pays(
    claims: Claims, room: RunningPayment, peer: PayPeer
) -> None:
    async with carrier(claims, room.port):
        order_id = await claims.decide()
        await until(lambda: claims.settled(order_id) == "paid")

    written = "".join(str(room.store.find(table, {})) for table in ("payment_order", "leg", "receipt", "change"))
    sent = b"".join(path.encode() + body for _, path, body, _ in peer.seen)
    assert order_id not in written
    assert HOSPITAL not in written
    assert order_id.encode() not in sent
    assert HOSPITAL.encode() not in sent


async def test_a_quick_claim_is_paid_out(claims: Claims, room: RunningPayment, peer: PayPeer) -> None:
    async with carrier(claims, room.port):
        order_id = await claims.decide(approved=9000, quick=True)
        await until(lambda: claims.settled(order_id, "PAYOUT") == "paid")

    assert next(iter(peer.orders.values()))["biz_type"] == OrderKind.PAYOUT
    assert claims.settled(order_id) == ""


async def test_a_bill_with_nothing_left_to_pay_is_paid_without_the_payment_room(
    claims: Claims, room: RunningPayment, peer: PayPeer
) -> None:
    async with carrier(claims, room.port):
        order_id = await claims.decide(cash=100, approved=100)
        await until(lambda: claims.open_rows() == 0)

    assert claims.settled(order_id) == "paid"
    assert claims.events(order_id) == ["paid"]
    assert peer.seen == []


async def test_a_decision_told_twice_makes_one_order(claims: Claims, room: RunningPayment, peer: PayPeer) -> None:
    async with carrier(claims, room.port):
        order_id = await claims.decide()
        unit = Unit()
        unit.insert("outbox", kind="decided", order_id=order_id, at=1, attempts=0, next_at=0)
        await claims.store.commit(unit)
        await until(lambda: claims.settled(order_id) == "paid" and claims.open_rows() == 0)

    assert len(peer.applied) == 1
    assert claims.events(order_id) == ["paid"]


async def test_a_crash_after_the_order_was_taken_and_before_it_was_noted_makes_no_second_order(
    claims: Claims, room: RunningPayment, peer: PayPeer
) -> None:
    """The window dies with the settlement row still ``created``; the next window hands over the same number."""
    order_id = await claims.decide()
    async with carrier(claims, room.port, running=False) as dying:
        await dying.carry_decided()
    await claims.redo(order_id, 11545)
    async with carrier(claims, room.port):
        await until(lambda: claims.settled(order_id) == "paid" and claims.open_rows() == 0)

    assert room.store.count("payment_order", {}) == 1
    assert list(peer.applied.values()) == [1]


async def test_while_the_payment_room_is_down_decisions_wait_and_then_go_once(
    claims: Claims, settings: PaymentRoomSettings, start: Start, peer: PayPeer
) -> None:
    first = await start()
    port = first.port
    await first.stop()
    async with carrier(claims, port):
        orders = [await claims.decide() for _ in range(5)]
        await until(lambda: claims.store.count("outbox", {"attempts": (">", 0)}) == 5)
        assert {claims.settled(one) for one in orders} == {"created"}
        second = await start(port=port)
        await until(lambda: {claims.settled(one) for one in orders} == {"paid"})

    assert second.store.count("payment_order", {}) == 5
    assert set(peer.applied.values()) == {1}


async def test_receipts_written_while_the_window_was_away_are_fetched_once(
    claims: Claims, room: RunningPayment
) -> None:
    orders = [await claims.decide() for _ in range(3)]
    async with carrier(claims, room.port, running=False) as window:
        assert await window.carry_decided() == 3
        await until(lambda: room.store.count("receipt", {}) == 3)
    async with carrier(claims, room.port, running=False) as window:
        assert await window.fetch_receipts() == 3
        assert await window.fetch_receipts() == 0

    assert [claims.events(one) for one in orders] == [["paid"]] * 3


async def test_a_failed_payment_is_told_to_the_hospital(claims: Claims, room: RunningPayment, peer: PayPeer) -> None:
    peer.status = "FAILED"
    async with carrier(claims, room.port):
        order_id = await claims.decide()
        await until(lambda: claims.settled(order_id) == "failed")

    assert claims.events(order_id) == ["payment-failed"]


async def test_another_decision_under_a_settled_order_changes_nothing_at_the_payment_room(
    claims: Claims, room: RunningPayment, peer: PayPeer
) -> None:
    """The room holds the first amount; the window's other amount under the same number ends as refused, for a person."""
    order_id = await claims.decide()
    async with carrier(claims, room.port, running=False) as window:
        await window.carry_decided()
        await claims.redo(order_id, 0)
        await window.carry_decided()

    assert claims.settled(order_id) == "refused"
    assert claims.events(order_id) == ["payment-refused"]
    assert set(peer.applied.values()) <= {1}


async def test_one_bill_that_can_not_be_carried_holds_up_no_other(claims: Claims, room: RunningPayment) -> None:
    broken = await claims.decide(cash=1, approved=2)
    async with carrier(claims, room.port):
        sound = await claims.decide()
        await until(lambda: claims.settled(sound) == "paid")

    assert claims.settled(broken) == ""
    assert claims.open_rows() == 1


async def test_a_receipt_for_a_number_that_is_not_ours_is_passed_over(claims: Claims, room: RunningPayment) -> None:
    async with carrier(claims, room.port, running=False) as window:
        client = PartnerClient(f"http://127.0.0.1:{room.port}")
        await PaymentDoor(client, SECRET, SystemClock()).place(order())
        await client.close()
        await until(lambda: room.store.count("receipt", {}) == 1)

        assert await window.fetch_receipts() == 1
        assert await window.fetch_receipts() == 0
    assert claims.store.count("settlement", {}) == 0


async def test_two_hundred_decisions_over_a_troubled_channel_are_paid_once_each(
    claims: Claims, room: RunningPayment, peer: PayPeer
) -> None:
    peer.trouble = ["lose_answer", "", "503", "", "lose_request", "429", "", ""] * 10
    orders = [await claims.decide() for _ in range(200)]
    async with carrier(claims, room.port):
        await until(lambda: claims.store.count("settlement", {"state": "paid"}) == 200, 20)

    assert set(peer.applied.values()) == {1}
    assert all(claims.events(one) == ["paid"] for one in orders[:20])
    assert claims.store.sum("settlement", "amount", {}) == room.store.sum("receipt", "amount", {})
