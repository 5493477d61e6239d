"""Orders, waiting and the secret shared by the payment tests."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from gateway.kernel.ids import new_settlement_id
from gateway.kernel.secret import Secret
from gateway.payment.model import PaymentOrder
from gateway.payment.room import RunningPayment

HOUSE = Path(__file__).parents[3]
SECRET = Secret("a secret between clearing and payment")


def order(**changes: Any) -> PaymentOrder:
    """A self-pay order of 56.86 元 with a number of its own."""
    body: dict[str, Any] = {
        "settlement_id": new_settlement_id(),
        "kind": "SELF_PAY",
        "amount": 5686,
        "legs": [{"kind": "fund", "amount": 13769}, {"kind": "self_pay", "amount": 5686}],
        "source": "LIANPEI",
    }
    return msgspec.convert(body | changes, PaymentOrder)


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait for something observable; fails loudly when it does not come."""
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds
    while not condition():
        if clock.time() > end:
            raise AssertionError("it did not come in time")
        await asyncio.sleep(0.005)


Start = Callable[..., Awaitable[RunningPayment]]
"""Start the room, with some settings changed."""
