"""Own-pay fails (domain §3.2 E5): the order stays open until its deadline, then it is undone in the order of §3.5."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill

from gateway.cli.scenario.house import OpenHouse, open_house

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def open_place(tmp_path: Path, stage_home: Path) -> AsyncIterator[OpenHouse]:
    """A house that waits a second for a patient's own part."""
    differs = {"claims": {"counter": {"own_pay_deadline": 1.0}}}
    async with open_house(tmp_path, stage_home / "keys", differs) as house:
        yield house


async def call(house: OpenHouse, method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
    address = house.urls["hospital"] + path
    async with house.session.request(method, address, data=body or None, headers=JSON | headers) as answer:
        told: dict[str, Any] = await answer.json(content_type=None)
        return told


async def decided(house: OpenHouse, bill: SampleBill) -> str:
    told = await call(house, "POST", "/v1/claims", bill.body, **{"Idempotency-Key": bill.key, "Prefer": "wait=25"})
    assert told["state"] == "decided", told
    return str(told["order_id"])


def paying(token: str) -> SampleBill:
    payment = {"channels": ["pay"], "payer_token": token}
    return sample_bill("package").changed(lambda bill: bill.update(payment=payment))


async def settled(house: OpenHouse, order_id: str, state: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def look() -> bool:
        seen.update(await call(house, "GET", f"/v1/orders/{order_id}/payments"))
        return [one["state"] for one in seen["payments"]] == [state]

    for _ in range(300):
        if await look():
            return seen
        await asyncio.sleep(0.1)
    raise AssertionError(seen)


async def test_s3_2_e5_a_bill_whose_own_part_fails_is_undone_at_its_deadline(open_place: OpenHouse) -> None:
    house = open_place
    order_id = await decided(house, paying("EMPTY-1"))
    paid_id = await decided(house, paying("acct-1"))
    await settled(house, order_id, "failed")
    still_open = (await call(house, "GET", f"/v1/orders/{order_id}"))["state"]

    undo_id = await _undo_of(house, order_id)
    undo = await call(house, "GET", f"/v1/undos/{undo_id}")
    word = json.dumps({"outcome": "undone", "reference": "yb-2208-1"}).encode()
    await call(house, "POST", f"/v1/undos/{undo_id}/yibao", word)
    for _ in range(300):
        undo = await call(house, "GET", f"/v1/undos/{undo_id}")
        if undo["state"] == "done":
            break
        await asyncio.sleep(0.1)

    assert still_open == "decided"
    assert (undo["state"], undo["reason"]) == ("done", "own-pay-failed")
    legs = [(leg["kind"], leg["state"], leg["cause"]) for leg in undo["legs"]]
    assert legs[0][:2] == ("claim", "undone")
    assert legs[1] == ("yibao", "undone", "hospital:yb-2208-1")
    assert legs[2] == ("cash", "undone", "never-paid")
    assert (await call(house, "GET", f"/v1/orders/{order_id}"))["state"] == "reversed"
    assert (await call(house, "GET", f"/v1/orders/{paid_id}"))["state"] == "decided", "a paid bill is left alone"


async def _undo_of(house: OpenHouse, order_id: str) -> str:
    """The undo that the gateway began: the timeline names its state, the event feed its order."""
    for _ in range(300):
        events = (await call(house, "GET", "/v1/events?after=0"))["events"]
        kinds = [one["kind"] for one in events if one["order_id"] == order_id]
        if "undo-yibao" in kinds:
            break
        await asyncio.sleep(0.1)
    listed = await call(house, "GET", f"/v1/orders/{order_id}/undos")
    return str(listed["undos"][0]["undo_id"])
