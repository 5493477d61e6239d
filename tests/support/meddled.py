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


async def ends(house: House, order_id: str, patience_s: float = 30) -> tuple[set[str], dict[str, Any]]:
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


async def asked(house: House) -> int:
    """How many enquiries the insurer ``package`` has heard."""
    return sum(one["op"] == "S300" for one in await house.received("package"))


async def paid_once(ward: House, evil: EvilInsurer, meddler: Meddler) -> None:
    """The answer to settling goes wrong: nobody takes it for a yes or a no, the insurer is asked, and the claim is paid once."""
    evil.behave = meddler.behave
    bill, before = sample_bill("package"), await asked(ward)
    taken = await ward.submit(bill, wait=0)

    _, view = await ends(ward, taken.document["order_id"])

    assert meddler.meddled == 1
    assert await asked(ward) > before
    assert view["claims"][0]["outcome"] == "paid"
    assert await applied(ward, bill) == [1]


async def same_books(ward: House, bills: list[SampleBill], views: list[dict[str, Any]]) -> None:
    """What is decided here is what the insurer ``package`` booked, once; what was not sent it does not know."""
    for bill, view in zip(bills, views, strict=True):
        claim = view["claims"][0]
        booked = await ward.settlements("package", bill)
        assert sum(one["amount_fen"] for one in booked if one["times_applied"]) == claim["approved_fen"], claim
        assert [one["times_applied"] for one in booked] in ([1], [] if claim["outcome"] == "not_sent" else [1])
