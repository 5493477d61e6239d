"""A clock that was wrong for a moment delays no payment and sends none too early (found by seeded worlds)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pay_peer import PayPeer
from payment_kit import SECRET, order, until

from gateway.clearing import carrier
from gateway.clearing.carrier import Carrier
from gateway.clearing.door import PaymentDoor
from gateway.kernel.clock import SystemClock
from gateway.payment.room import start_payment
from gateway.payment.settings import PaymentRoomSettings
from gateway.payment.settling import Settling
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.unit import Unit
from gateway.wire.http import PartnerClient

AN_HOUR = timedelta(hours=1)


@dataclass
class Clock(SystemClock):
    """``ahead`` may be set by anybody; ``monotonic`` is not moved by it."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)


async def test_an_errand_that_a_wrong_clock_put_off_is_done_when_the_window_is_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = Store.open(tmp_path / "claims.db", CLAIMS), Clock(ahead=AN_HOUR)
    await store.commit(Unit().insert("outbox", kind="decided", order_id="ord_1", at=1, attempts=0, next_at=0))
    window = Carrier(store, clock, "http://127.0.0.1:9", SECRET, None)
    await window.carry_decided()
    clock.ahead = timedelta(0)

    for _ in range(carrier.SELDOM - 1):
        await window.carry_decided()
    assert store.find("outbox", {})[0]["attempts"] == 1
    await window.carry_decided()
    assert store.find("outbox", {})[0]["attempts"] == 2

    await window.close()
    await store.close()


async def test_an_order_that_a_wrong_clock_put_off_is_asked_about(settings: PaymentRoomSettings, peer: PayPeer) -> None:
    clock, sent = Clock(ahead=AN_HOUR), order()
    peer.status = "PROCESSING"
    room = await start_payment(settings, clock)
    door = PaymentDoor(PartnerClient(f"http://127.0.0.1:{room.port}"), SECRET, clock)

    def row() -> dict[str, Any]:
        return room.store.get("payment_order", settlement_id=sent.settlement_id) or {}

    await door.place(sent)
    await until(lambda: row().get("state") == "pending")
    clock.ahead = timedelta(0)
    peer.status = "SUCCESS"
    await until(lambda: row().get("state") == "paid")

    await door.close()
    await room.stop()


def test_the_settling_time_is_over_by_the_clock_that_never_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, passed = Clock(), 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: passed, raising=False)
    settling = Settling(clock, 8.0)

    settling.sent("stl_1")
    clock.ahead = AN_HOUR
    assert settling.left_ms("stl_1") == 8000
    passed += 7.0
    assert settling.left_ms("stl_1") == 1000
    passed += 1.0
    assert settling.left_ms("stl_1") == 0
    assert settling.left_ms("stl_2") == 8000, "sent by an earlier process: from the first look"
