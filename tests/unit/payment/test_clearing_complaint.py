"""A payment room that is away shows: in the first room's figures, and in its log without burying everything else."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from gateway.clearing.carrier import Carrier
from gateway.clearing.complaint import Complaint
from gateway.clearing.telling import tell_settlements
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import MessageRefused, NotSent
from gateway.kernel.secret import Secret
from gateway.store.claims_tables import CLAIMS
from gateway.store.sqlite import Store
from gateway.store.unit import Unit
from gateway.telemetry.logs import setup_logging
from gateway.telemetry.metrics import Metrics


@dataclass
class Hand:
    """A clock that is moved by hand."""

    passed: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture
def log() -> Iterator[StringIO]:
    root, stream = logging.getLogger(), StringIO()
    handlers, level = root.handlers[:], root.level
    setup_logging(stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "claims.db", CLAIMS)
    yield opened
    await opened.close()


def told(log: StringIO) -> list[str]:
    return [json.loads(line)["event"] for line in log.getvalue().splitlines()]


def test_an_hour_without_the_payment_room_is_a_few_lines_that_name_it(log: StringIO) -> None:
    clock = Hand()
    complaint = Complaint(clock)

    for _ in range(18_000):
        complaint.make(NotSent("refused", code="not-connected"))
        clock.passed += 0.2

    assert set(told(log)) == {"payment-room-not-reachable"}
    assert 10 < len(told(log)) < 30


def test_the_first_failure_is_told_at_once_and_so_is_the_end(log: StringIO) -> None:
    complaint = Complaint(Hand())
    refused = MessageRefused("no receipts")

    complaint.make(refused)
    complaint.over()
    complaint.over()
    complaint.make(refused)

    assert told(log) == ["payment-room-refuses-us", "payment-room-answers-again", "payment-room-refuses-us"]


async def test_the_window_asks_on_and_says_it_once(store: Store, log: StringIO) -> None:
    window = Carrier(store, SystemClock(), "http://127.0.0.1:9", Secret("a secret"), None, every=0.001)
    running = asyncio.create_task(window.run())
    await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await window.close()

    assert told(log) == ["payment-room-not-reachable"]


async def test_money_that_the_payment_room_has_not_taken_is_counted(store: Store) -> None:
    now, metrics, unit = SystemClock().epoch_ms(), Metrics.for_codes([]), Unit()
    for number, (state, amount, age_s) in enumerate(
        [("created", 100, 60), ("created", 250, 900), ("ordered", 7, 9000)]
    ):
        at = now - age_s * 1000
        row = {"order_id": f"o{number}", "kind": "SELF_PAY", "settlement_id": f"s{number}", "amount": amount}
        unit.insert("settlement", **row, state=state, created_at=at, updated_at=at)
    await store.commit(unit)

    tell_settlements(store, metrics.clearing, now)
    page = metrics.render()[0].decode()

    assert "lianpei_settlements_waiting 2.0" in page
    assert "lianpei_settlements_waiting_amount_fen 350.0" in page
    assert "lianpei_settlements_waiting_oldest_seconds 900.0" in page
