"""The hospital door's small bodies: each is read strictly and refused by place and rule, whichever route it is sent to."""

import json

import pytest
from support.bills import sample_bill
from support.hostile import PLANT, require_refusal
from support.house import House

ROUTES = {
    "POST /v1/orders/{order}/undo": ({"scope": "whole", "reason": "other", "requested_by": "c1"}, "undo-form"),
    "POST /v1/undos/und_x/yibao": ({"outcome": "undone", "reference": "r1"}, "undo-form"),
    "POST /v1/undos/und_x/cash": ({"outcome": "undone", "reference": "r1"}, "undo-form"),
    "POST /v1/claims/{order}/documents": ({"claim_id": "c1", "attachments": []}, "body-invalid"),
    "PUT /v1/claims/{order}/policy-order": ({"claims": ["c1"]}, "body-invalid"),
    "POST /v1/guarantees/{order}/projection": ({"projected_fen": 1}, "body-invalid"),
    "POST /v1/orders/{order}/pay": ({"channel": "alipay"}, "payment-invalid"),
    "POST /v1/deposits": ({"amount_fen": 1}, "payment-invalid"),
    "POST /v1/events/ack": ({"upto": 0}, "ack-body"),
}
"""What each takes, and the code of what it does not."""


async def _refusal(house: House, route: str, body: bytes, *codes: str) -> list[str]:
    decided = await house.settle(sample_bill("package"))
    method, path = route.format(order=decided["order_id"]).split(" ")
    answer = await house.call(method, path, body, {"Idempotency-Key": "hostile-small"})
    told = require_refusal(answer, 422 if "payment-invalid" in codes else 400, *codes)
    return list(told.get("fields", []))


@pytest.mark.parametrize("route", ROUTES)
async def test_a_key_said_twice_is_refused_by_every_route(house: House, route: str) -> None:
    """Two readers would see two wishes: ``part`` and ``whole``."""
    body, _ = ROUTES[route]
    name = next(iter(body))
    twice = b'{"%s":%s,%s' % (name.encode(), json.dumps(body[name]).encode(), json.dumps(body)[1:].encode())

    assert await _refusal(house, route, twice, "bad-json") == []


@pytest.mark.parametrize("route", ROUTES)
async def test_a_character_that_no_message_can_carry_is_refused_by_every_route(house: House, route: str) -> None:
    body = json.dumps(ROUTES[route][0] | {"note": "@"}).encode()

    for bad in (b"\\u0007", b"\\uffff", "\ufffe".encode()):
        assert await _refusal(house, route, body.replace(b"@", bad), "text-not-allowed") == []


@pytest.mark.parametrize("route", ROUTES)
async def test_what_is_wrong_is_told_by_place_and_rule_and_never_by_what_was_sent(house: House, route: str) -> None:
    body, code = ROUTES[route]
    name = next(iter(body))

    assert await _refusal(house, route, json.dumps(body | {PLANT: 1}).encode(), code) == ["$: unknown key"]
    assert f"{name}: required" in await _refusal(house, route, b"{}", code)
    assert await _refusal(house, route, json.dumps(body | {name: {PLANT: 1}}).encode(), code) == [
        f"{name}: {'enum' if name in ('scope', 'outcome') else 'type'}"
    ]
