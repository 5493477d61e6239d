"""A running payment room over a real file, a real port and a real channel."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pay_peer import PayPeer
from payment_kit import HOUSE, SECRET, Start

from gateway.clearing.door import PaymentDoor
from gateway.kernel.clock import SystemClock
from gateway.payment.room import RunningPayment, start_payment
from gateway.payment.settings import PaymentRoomSettings
from gateway.wire.http import PartnerClient


@pytest.fixture
async def peer() -> AsyncIterator[PayPeer]:
    started = await PayPeer().start()
    yield started
    await started.stop()


@pytest.fixture
def settings(tmp_path: Path, peer: PayPeer) -> PaymentRoomSettings:
    return PaymentRoomSettings(
        database=tmp_path / "payment.db",
        host="127.0.0.1",
        port=0,
        secret=SECRET,
        channel_endpoint=peer.url,
        mappings=HOUSE / "mappings" / "payment" / "pay",
        schemas=HOUSE / "schemas" / "payment",
        channel_timeout=0.3,
        settling_time=0.2,
        first_retry=0.02,
        longest_retry=0.2,
        poll=0.02,
    )


@pytest.fixture
async def start(settings: PaymentRoomSettings) -> AsyncIterator[Start]:
    """Start the room, with some settings changed; everything started is stopped."""
    async with AsyncExitStack() as stack:

        async def go(**changes: Any) -> RunningPayment:
            room = await start_payment(replace(settings, **changes))
            stack.push_async_callback(room.stop)
            return room

        yield go


@pytest.fixture
async def room(start: Start) -> RunningPayment:
    return await start()


@pytest.fixture
async def door(room: RunningPayment) -> AsyncIterator[PaymentDoor]:
    client = PartnerClient(f"http://127.0.0.1:{room.port}")
    yield PaymentDoor(client, SECRET, SystemClock())
    await client.close()
