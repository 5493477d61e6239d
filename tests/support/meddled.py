"""What becomes of a bill whose insurer's answers go wrong."""

import asyncio
import time
from typing import Any

from support.bills import SampleBill, sample_bill
from support.doorstage import EvilInsurer
from support.house import House
from support.meddler import Meddler


async def applied(house: House, bill: SampleBill, code: str = "package") -> list[int]:
    return [one["times_applied"] for one in await house.settlements(code, bill)]


async def ends(house: House, order_id: str, patience_s: float = 15) -> tuple[set[str], dict[str, Any]]:
    """Every state that a polling hospital saw of the claim, and the view at its end."""
    seen: set[str] = set()
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        view = (await house.order(order_id)).document
        seen.add(view["claims"][0]["state"])
        if view["state"] != "pending":
            return seen, view
        await asyncio.sleep(0.03)
    raise AssertionError(f"no end; seen {seen}: {view['claims'][0]}")


async def paid_once(ward: House, evil: EvilInsurer, meddler: Meddler) -> set[str]:
    """The answer to settling goes wrong: the claim is unknown, is asked about, and is paid once. Returns the states seen."""
    evil.behave = meddler.behave
    bill = sample_bill("package")
    taken = await ward.submit(bill, wait=0)

    seen, view = await ends(ward, taken.document["order_id"])

    assert meddler.meddled == 1
    assert view["claims"][0]["outcome"] == "paid"
    assert await applied(ward, bill) == [1]
    return seen
