"""/openapi.json is what a hospital's developer writes against: what the door answers, it has told before."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.bills import sample_bill
from support.hostile import require_refusal
from support.house import Answer, House


@pytest.fixture
async def contract(house: House) -> dict[str, Any]:
    paths: dict[str, Any] = (await house.call("GET", "/openapi.json", proven=False)).document["paths"]
    return paths


def _replacing_none(bill: dict[str, Any]) -> None:
    bill["replaces"] = "ord_nowhere"


def _of_no_guarantee(bill: dict[str, Any]) -> None:
    bill["counter"] = {"guarantee": "ord_nowhere"}


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (_replacing_none, "order-unknown", "replaces"),
        (_of_no_guarantee, "guarantee-unknown", "counter.guarantee"),
    ],
)
async def test_an_order_that_a_bill_names_in_vain_is_a_fault_of_the_bill(
    house: House, contract: dict[str, Any], change: Callable[[dict[str, Any]], None], code: str, field: str
) -> None:
    """404 is for the address that was asked; this address is there, and the bill in it is wrong."""
    bill = sample_bill("package").changed(change)

    answer = await house.submit(bill)

    assert require_refusal(answer, 422, code)["fields"] == [field]
    assert str(answer.status) in contract["/v1/claims"]["post"]["responses"]
    assert await house.settlements("package", bill) == []


async def _asked(house: House, path: str, body: object) -> Answer:
    return await house.call("POST", path, json.dumps(body).encode())


async def test_amounts_and_material_that_can_not_be_are_declared_refusals(
    house: House, contract: dict[str, Any]
) -> None:
    order_id = (await house.settle(sample_bill("package")))["order_id"]

    bare = await _asked(house, f"/v1/claims/{order_id}/documents", {"attachments": [], "claim_id": ""})
    below = await _asked(house, f"/v1/guarantees/{order_id}/projection", {"projected_fen": -1})

    assert (bare.status, below.status) == (422, 422)
    assert "422" in contract["/v1/claims/{order_id}/documents"]["post"]["responses"]
    assert "422" in contract["/v1/guarantees/{order_id}/projection"]["post"]["responses"]


async def test_every_route_tells_what_the_entrance_may_answer(contract: dict[str, Any]) -> None:
    """Who calls and how often is asked before any route; a body may be slow, large, or one too many."""
    for path, methods in contract.items():
        for method, one in methods.items():
            if path == "/v1/soap" or method not in ("get", "post", "put"):
                continue
            body = {"408", "413", "503"} if method != "get" else set()
            assert {"400", "401", "403", "429"} | body <= one["responses"].keys(), (method, path)
