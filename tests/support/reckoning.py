"""After the storm: every bill against the insurers' books and the payment channel's."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from support.house import House
from support.load import Load, Sent


@dataclass
class Reckoning:
    bills: int = 0
    resent: int = 0
    decided: int = 0
    open_with_reason: list[str] = field(default_factory=list)
    """Claims that wait for a person or an answer, as insurer, state and reason."""
    settlements: int = 0
    orders: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.bills} bills, {self.resent} sent again, {self.decided} decided, {len(self.open_with_reason)} open "
            f"{self.open_with_reason}, {self.settlements} settlements at insurers, {self.orders} payment orders"
        )


async def reckon(house: House, load: Load) -> Reckoning:
    """Compare what the gateway says with what its partners know; ``wrong`` lists every difference."""
    result = Reckoning(bills=len(load.sent), resent=sum(one.resent for one in load.sent))
    books = {code: (await house.ledger(code))["settlements"] for code in load.insurers}
    for one in load.sent:
        await _one_bill(house, one, books, result)
    await _payment(house, load, result)
    return result


async def _one_bill(house: House, one: Sent, books: dict[str, Any], result: Reckoning) -> None:
    name = f"{one.bill.key} {one.bill.insurers}"
    if not one.order_id:
        result.wrong.append(f"{name}: never acknowledged, refused with {one.refused}")
        return
    answer = await house.order(one.order_id)
    if answer.status != 200:
        result.wrong.append(f"{name}: acknowledged, then {answer.status}")
        return
    result.decided += answer.is_decided
    for claim in answer.document["claims"]:
        if claim["state"] not in ("decided", "closed"):
            result.open_with_reason.append(f"{claim['insurer']} {claim['state']} {claim['reason']}")
        _against_books(f"{name} {one.order_id}", claim, one, books[claim["insurer"]], result)


def _against_books(name: str, claim: dict[str, Any], one: Sent, book: list[dict[str, Any]], result: Reckoning) -> None:
    mine = [entry for entry in book if entry["policy_no"] in one.bill.holders]
    settled = [entry for entry in mine if entry["state"] == "settled"]
    result.settlements += len(settled)
    if any(entry["times_applied"] != 1 for entry in settled) or len(settled) > 1:
        result.wrong.append(f"{name}: paid {[entry['times_applied'] for entry in settled]} times")
    paid = sum(entry["amount_fen"] for entry in settled)
    if claim["state"] in ("decided", "closed") and paid != claim["approved_fen"]:
        result.wrong.append(f"{name}: insurer {paid}, gateway {claim['approved_fen']} ({claim['outcome']})")


async def _payment(house: House, load: Load, result: Reckoning, patience_s: float = 30) -> None:
    """Wait for the channel's orders of this load's bills: each once, with the amount that follows from the decision."""
    due = Counter(_due(one.final) for one in load.sent if one.final)
    due.pop(0, None)
    until = time.monotonic() + patience_s
    while True:
        orders = (await house.ledger("pay"))["settlements"]
        if len(orders) >= due.total() or time.monotonic() > until:
            break
        await asyncio.sleep(0.2)
    result.orders = len(orders)
    if any(order["times_applied"] != 1 for order in orders):
        result.wrong.append("the channel paid an order more than once")
    if Counter(order["amount_fen"] for order in orders) != due:
        result.wrong.append(f"the channel has {len(orders)} orders, {due.total()} are due, or amounts differ")


def _due(document: dict[str, Any]) -> int:
    amount = document["self_pay_due_fen"] if document["kind"] == "direct_pay" else document["approved_fen"]
    return int(amount)
