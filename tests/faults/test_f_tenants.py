"""Group F, tenants: one hospital is nothing to another, on every route there is; a flood is its own; operators' doors are shut."""

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from support.bills import sample_bill
from support.doorstage import DoorStage
from support.hostile import require_refusal
from support.house import Answer, House
from support.signed import HOSPITAL_TWO, signer_of

from gateway.claims.door.openapi import openapi_document
from gateway.cli.stage import Stage
from gateway.config import Door

BODIES: dict[str, bytes] = {
    "/v1/claims/{order_id}/confirm": b'{"quotes":[]}',
    "/v1/claims/{order_id}/documents": b'{"claim_id":"clm_1","attachments":[]}',
    "/v1/claims/{order_id}/policy-order": b'{"claims":[]}',
    "/v1/claims/{order_id}/payout-account": (
        b'{"payout_account":{"account_token":"a","payee_name":"b","bank_code":"c"}}'
    ),
    "/v1/guarantees/{order_id}/projection": b'{"projected_fen":1}',
    "/v1/orders/{order_id}/undo": b'{"scope":"whole","reason":"other","requested_by":"c1"}',
    "/v1/orders/{order_id}/pay": b'{"channel":"deduct","payer_token":"t1"}',
    "/v1/undos/{undo_id}/{leg}": b'{"outcome":"undone","reference":"r1"}',
    "/v1/deposits/{deposit_id}/refund": b"",
    "/v1/consents/{consent_id}/withdraw": b'{"withdrawn_at":"2026-03-05T10:00:00+08:00"}',
    "/v1/recoveries/{recovery_id}/agree": b'{"proof_ref":"p1","payer_token":"t1"}',
}
"""What a route takes, so that it is the id and not the form that it stumbles over."""
NAMES_NOBODY = {"/v1/claims/{format}", "/v1/statements/{day}/{insurer}"}
"""Their parameters are no ids of anybody's: a format, a day, an insurer."""
NOWHERE = {
    "order_id": "ord_" + "0" * 26,
    "undo_id": "und_" + "0" * 26,
    "deposit_id": "dep_" + "0" * 26,
    "event_id": "9" * 12,
    "consent_id": "cns_" + "0" * 26,
    "recovery_id": "rec_" + "0" * 26,
}


def _routes() -> Iterator[tuple[str, str]]:
    """From the route table as it is served: a new route that names an id is tried from its first day."""
    for path, methods in openapi_document(("canonical",))["paths"].items():
        for method in methods:
            if method in ("get", "post", "put", "delete", "patch") and "_id}" in path and path not in NAMES_NOBODY:
                yield method.upper(), path


async def _as_two(house: House, method: str, path: str, body: bytes = b"", key: str = "") -> Answer:
    plain, _, query = path.partition("?")
    proof = signer_of(house.stage, HOSPITAL_TWO)(method, plain, query, body, key)
    named = {"Idempotency-Key": key} if key else {}
    return await house.call(method, path, body, {"Content-Type": "application/json", **named, **proof}, proven=False)


async def _ids(house: House) -> dict[str, str]:
    """Real ones of hospital one: an order, its undo, a deposit, an event."""
    order = await house.settle(sample_bill("package"))
    undo = await house.undo(order["order_id"], f"f1-{order['order_id'][-12:]}")
    payment = {"channels": ["deduct"], "place": "window", "payer_token": "t1"}
    deposit = await house.call(
        "POST",
        "/v1/deposits",
        json.dumps({"amount_fen": 100, "payment": payment}).encode(),
        {"Idempotency-Key": f"f1d-{order['order_id'][-12:]}"},
    )
    found = {"order_id": order["order_id"], "undo_id": undo.document["undo_id"], "leg": "yibao"}
    found["deposit_id"] = deposit.document.get("deposit_id", "dep_1")
    found |= {"consent_id": await _consent(house), "recovery_id": "rec_" + "1" * 26}  # two persons make one: s3_3
    return found | {"event_id": str((await house.events())[-1]["seq"])}


async def _consent(house: House) -> str:
    bill = sample_bill("package")
    consent = bill.submission["consent"]
    wish = {"consent": consent, "cert_no": bill.submission["patient"]["cert_no"]}
    assert (await house.call("POST", "/v1/consents", json.dumps(wish).encode())).status == 201
    return str(consent["consent_id"])


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    return {}


@pytest.mark.parametrize(("method", "path"), sorted(_routes()))
async def test_f1_anothers_id_is_as_unknown_as_none_on_every_route(
    house: House, known: dict[str, str], method: str, path: str
) -> None:
    if not known:
        known.update(await _ids(house))
    body, key = BODIES.get(path, b"{}" if method != "GET" else b""), "f1-key" if method != "GET" else ""

    there = await _as_two(house, method, path.format(**known), body, key)
    nowhere = await _as_two(house, method, path.format(**known | NOWHERE), body, key)

    require_refusal(there, 404, there.code)
    assert there.code.endswith("-unknown")
    assert there.body == nowhere.body
    assert there.headers.keys() == nowhere.headers.keys()


def test_f1_the_matrix_is_of_some_size() -> None:
    assert len(list(_routes())) >= 14
    assert all(path in BODIES for method, path in _routes() if method == "PUT")


async def test_f1_lists_and_replays_show_nothing_of_anothers(house: House, known: dict[str, str]) -> None:
    if not known:
        known.update(await _ids(house))
    bill, theirs = sample_bill("package"), sample_bill("package", hospital=HOSPITAL_TWO)
    mine = await house.submit(bill)

    replayed = await _as_two(house, "POST", "/v1/claims", bill.body, bill.key)
    same_key = await _as_two(house, "POST", "/v1/claims", theirs.body, bill.key)
    feed = await _as_two(house, "GET", "/v1/events?after=0")

    require_refusal(replayed, 403, "hospital-mismatch")
    assert same_key.status in (200, 202), "the same key is another bill of another hospital"
    assert same_key.document["order_id"] != mine.document["order_id"]
    assert mine.document["order_id"].encode() not in feed.body
    assert known["order_id"].encode() not in feed.body


async def _time(ward: House) -> float:
    started = time.perf_counter()
    assert (await ward.submit(sample_bill("huiyibao"))).is_decided
    return time.perf_counter() - started


@pytest.mark.parametrize(
    ("rounds", "times", "more_s"), [(4, 2.0, 0.5), pytest.param(60, 1.2, 0.0, marks=pytest.mark.long)]
)
async def test_f5_a_flood_of_one_hospital_is_its_own(
    narrow: DoorStage, ward: House, rounds: int, times: float, more_s: float
) -> None:
    """Hospital two asks far beyond its pace; turn by turn hospital one settles bills, with the flood and without.

    The long form, on quiet cores, holds what was promised: a fifth more at most. The short one is a coarser net.
    """
    flooding, over = asyncio.Event(), asyncio.Event()
    told: Counter[int] = Counter()

    async def flood() -> None:
        while not over.is_set():
            await flooding.wait()
            told[(await _as_two(ward, "GET", "/v1/events")).status] += 1
            await asyncio.sleep(0.02)  # fifty times the pace that was agreed, and not all of two cores

    floods = [asyncio.create_task(flood()) for _ in range(3)]
    await _time(ward)
    alone, beside = [], []
    for _ in range(rounds):
        flooding.clear()
        await asyncio.sleep(0.05)
        alone.append(await _time(ward))
        flooding.set()
        await asyncio.sleep(0.05)
        beside.append(await _time(ward))
    over.set()
    await asyncio.gather(*floods)

    print(f"alone {statistics.median(alone) * 1000:.0f} ms, beside a flood {statistics.median(beside) * 1000:.0f} ms")
    assert told[429] > 0.8 * told.total() > 20, told
    assert statistics.median(beside) < times * statistics.median(alone) + more_s


ADMIN = ("/admin/claims?state=manual", "/admin/worklist", "/admin/corrections", "/admin/webhooks", "/admin/recon")


@pytest.mark.parametrize("path", ADMIN)
async def test_f7_the_operators_door_opens_for_nobody_without_proof(ward: House, path: str) -> None:
    guesses = ({}, {"Authorization": "Basic YWRtaW46YWRtaW4="}, {"Authorization": "Bearer admin"}, {"Cookie": "s=1"})
    for headers in guesses:
        for method in ("GET", "POST"):
            answer = await ward.call(method, path, b"{}" if method == "POST" else b"", headers, door="operator")
            assert answer.status in (401, 404, 405), (method, answer.status, answer.body)
            assert "set-cookie" not in answer.headers


async def test_f7_a_page_elsewhere_can_make_no_browser_ask(narrow: DoorStage, ward: House) -> None:
    """There is no cookie and no Basic login that a browser would add by itself; a form without the token is a stranger's."""
    forged = {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"}

    answer = await ward.call("POST", "/admin/corrections/x/approve", b"a=b", forged, door="operator")

    require_refusal(answer, 401, "operator-unknown")
    assert "access-control-allow-origin" not in answer.headers
    assert "www-authenticate" not in answer.headers or "basic" not in answer.headers["www-authenticate"].lower()


async def test_f7_without_operators_there_is_no_way_in(house: House) -> None:
    """A deployment that names no operator has none: no default name, no default password."""
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {'0' * 64}"}):
        require_refusal(await house.call("GET", "/admin/worklist", b"", headers, door="operator"), 404, "not-found")


def test_f7_doors_listen_on_loopback_unless_told_otherwise(stage: Stage) -> None:
    assert Door(port=1).host == "127.0.0.1"
    ours = {
        f"{port:04X}" for name, port in stage.ports.items() if name in ("hospital", "partner", "operator", "payment")
    }
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows: list[Any] = [line.split() for line in table][1:]
    listening = {row[1] for row in rows if row[3] == "0A" and row[1].partition(":")[2] in ours}
    assert len(listening) == 4
    assert {one.partition(":")[0] for one in listening} == {"0100007F"}
