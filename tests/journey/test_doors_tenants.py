"""One hospital at the door is nothing to another: not its bills, its keys, its events, its pace nor its room."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.bills import sample_bill
from support.doorstage import DoorStage, EvilInsurer
from support.hostile import require_refusal
from support.house import Answer, House
from support.signed import HOSPITAL_THREE, HOSPITAL_TWO, signer_of

from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.fhir import fhir_bundle
from gateway.sandbox.hospital.his import his_message
from gateway.sandbox.hospital.mobile import mobile_body
from gateway.sandbox.hospital.table import csv_file
from gateway.sandbox.hospital.yibao import yibao_body

OF_AN_ORDER = {
    ("POST", "/v1/claims/{order_id}/confirm"): b'{"quotes":[]}',
    ("POST", "/v1/claims/{order_id}/documents"): b'{"claim_id":"clm_1","attachments":[]}',
    ("PUT", "/v1/claims/{order_id}/policy-order"): b'{"claims":[]}',
    ("PUT", "/v1/claims/{order_id}/payout-account"): (
        b'{"payout_account":{"account_token":"a","payee_name":"b","bank_code":"c"}}'
    ),
}
"""What is done to an order that is under way, with a body that the route takes."""
OF_A_GUARANTEE = {
    ("GET", "/v1/guarantees/{order_id}"): b"",
    ("POST", "/v1/guarantees/{order_id}/projection"): b'{"projected_fen":1}',
    ("POST", "/v1/guarantees/{order_id}/withdrawal"): b"",
}
ROUTES = {
    *OF_AN_ORDER,
    *OF_A_GUARANTEE,
    ("POST", "/v1/guarantees"),
    ("GET", "/v1/offers"),
    ("POST", "/v1/claims"),
    ("POST", "/v1/claims/{format}"),
    ("POST", "/v1/uploads/csv"),
    ("POST", "/v1/soap"),
    ("GET", "/v1/orders/{order_id}"),
    ("GET", "/v1/events"),
    ("POST", "/v1/events/ack"),
    ("POST", "/v1/events/{event_id}/resend"),
    ("GET", "/v1/statements/{day}/{insurer}"),
    ("POST", "/v1/statements/{day}/{insurer}"),
    ("POST", "/v1/orders/{order_id}/undo"),
    ("GET", "/v1/undos/{undo_id}"),
    ("POST", "/v1/undos/{undo_id}/{leg}"),
    ("GET", "/v1/orders/{order_id}/payments"),
    ("POST", "/v1/orders/{order_id}/pay"),
    ("POST", "/v1/deposits"),
    ("GET", "/v1/deposits/{deposit_id}"),
    ("POST", "/v1/deposits/{deposit_id}/refund"),
    ("POST", "/v1/consents"),
    ("GET", "/v1/consents"),
    ("GET", "/v1/consents/{consent_id}"),
    ("POST", "/v1/consents/{consent_id}/withdraw"),
    ("POST", "/v1/policies"),
    ("GET", "/v1/orders/{order_id}/policies"),
    ("GET", "/v1/orders/{order_id}/timeline"),
    ("GET", "/v1/orders/{order_id}/recoveries"),
    ("GET", "/v1/orders/{order_id}/undos"),
    ("GET", "/v1/recoveries/{recovery_id}"),
    ("POST", "/v1/recoveries/{recovery_id}/agree"),
    ("GET", "/v1/unpaid"),
}
"""Every route that this file tries; one that is served and not here fails the first test."""


async def _signed(
    house: House, hospital: str, method: str, path: str, body: bytes = b"", key: str = "", **more: str
) -> Answer:
    plain, _, query = path.partition("?")
    headers = signer_of(house.stage, hospital)(method, plain, query, body, key)
    named = {"Idempotency-Key": key, "Content-Type": "application/json"} if key else {}
    return await house.call(method, path, body, {**named, **headers, **more}, proven=False)


@pytest.fixture
async def order(house: House) -> dict[str, Any]:
    """A bill of hospital one."""
    return await house.settle(sample_bill("package"))


async def test_every_route_that_is_served_is_tried_here(house: House) -> None:
    paths = (await house.call("GET", "/openapi.json", proven=False)).document["paths"]
    spoken = {(method.upper(), path): said for path, methods in paths.items() for method, said in methods.items()}

    assert {
        route for route, said in spoken.items() if route[0] != "PARAMETERS" and said.get("security") != []
    } == ROUTES


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
async def test_a_stranger_gets_nothing_from_any_route(
    house: House, order: dict[str, Any], method: str, path: str
) -> None:
    ids = {"format": "fhir-r4", "event_id": "1", "day": "2025-03-05", "insurer": "package"}
    ids |= {"consent_id": "cns_1", "recovery_id": "rec_1", "undo_id": "und_1", "leg": "yibao", "deposit_id": "dep_1"}
    spelt = path.format(order_id=order["order_id"], **ids)

    answer = await house.call(method, spelt, b"{}" if method == "POST" else b"", proven=False)

    if path == "/v1/soap":
        assert answer.status == 500
        assert b"<ns1:Code>caller-unknown<" in answer.body
    else:
        require_refusal(answer, 401, "caller-unknown")


@pytest.mark.parametrize("hospital", [HOSPITAL_TWO, HOSPITAL_THREE])
async def test_another_hospitals_order_is_as_unknown_as_none(
    house: House, order: dict[str, Any], hospital: str
) -> None:
    there = await _signed(house, hospital, "GET", f"/v1/orders/{order['order_id']}")
    nowhere = await _signed(house, hospital, "GET", "/v1/orders/ord_00000000000000000000000000")

    require_refusal(there, 404, "order-unknown")
    assert there.body == nowhere.body


async def test_another_hospitals_order_is_never_undone(house: House, order: dict[str, Any]) -> None:
    wish = b'{"scope": "whole", "reason": "other", "requested_by": "c1"}'
    path = f"/v1/orders/{order['order_id']}/undo"
    theirs = (await house.undo(order["order_id"], f"undo-{order['order_id'][-10:]}")).document["undo_id"]

    asked = await _signed(house, HOSPITAL_TWO, "POST", path, wish, "undo-foreign")
    looked = await _signed(house, HOSPITAL_TWO, "GET", f"/v1/undos/{theirs}")
    said = b'{"outcome": "undone", "reference": "r1"}'
    told = await _signed(house, HOSPITAL_TWO, "POST", f"/v1/undos/{theirs}/yibao", said)

    require_refusal(asked, 404, "order-unknown")
    require_refusal(looked, 404, "undo-unknown")
    require_refusal(told, 404, "undo-unknown")


@pytest.mark.parametrize(
    ("route", "code"),
    [
        *((route, "order-unknown") for route in sorted(OF_AN_ORDER)),
        *((route, "guarantee-unknown") for route in sorted(OF_A_GUARANTEE)),
    ],
)
async def test_nothing_is_done_to_another_hospitals_order(
    house: House, order: dict[str, Any], route: tuple[str, str], code: str
) -> None:
    method, path = route
    body = (OF_AN_ORDER | OF_A_GUARANTEE)[route]

    there = await _signed(house, HOSPITAL_TWO, method, path.format(order_id=order["order_id"]), body)
    nowhere = await _signed(house, HOSPITAL_TWO, method, path.format(order_id="ord_0000000000000000000000"), body)

    require_refusal(there, 404, code)
    assert there.body == nowhere.body


@pytest.mark.parametrize("hospital", [HOSPITAL_TWO, HOSPITAL_THREE])
async def test_another_hospitals_events_are_in_no_feed(house: House, order: dict[str, Any], hospital: str) -> None:
    mine = await _signed(house, hospital, "GET", "/v1/events?after=0")

    assert order["order_id"] in {event["order_id"] for event in await house.events()}
    assert mine.status == 200
    assert order["order_id"].encode() not in mine.body


@pytest.mark.parametrize("hospital", [HOSPITAL_TWO, HOSPITAL_THREE])
async def test_another_hospitals_event_is_neither_brought_nor_acknowledged(
    house: House, order: dict[str, Any], hospital: str
) -> None:
    newest = (await house.events())[-1]

    again = await _signed(house, hospital, "POST", f"/v1/events/{newest['seq']}/resend")
    acked = await _signed(house, hospital, "POST", "/v1/events/ack", b'{"upto": %d}' % newest["seq"])

    require_refusal(again, 404, "event-unknown")
    require_refusal(acked, 400, "ack-beyond")


SPELLINGS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "": to_json,
    "/yibao-2207": lambda bill: to_json(yibao_body(bill)),
    "/yibao-6201": lambda bill: to_json(mobile_body(bill)),
    "/fhir-r4": lambda bill: to_json(fhir_bundle(bill)),
    "/csv": lambda bill: csv_file({"b": bill}).encode(),
    "/his-soap": lambda bill: his_message(bill, "m").encode(),
}


@pytest.mark.parametrize("form", SPELLINGS)
async def test_a_bill_is_never_brought_in_another_hospitals_name(house: House, form: str) -> None:
    """Hospital two signs what is hospital one's own bill, in every format."""
    bill = sample_bill("package")

    answer = await _signed(house, HOSPITAL_TWO, "POST", f"/v1/claims{form}", SPELLINGS[form](bill.submission), bill.key)

    require_refusal(answer, 403, "hospital-mismatch")
    assert await house.settlements("package", bill) == []


async def test_an_upload_takes_only_the_callers_own_bills(house: House) -> None:
    mine, theirs = sample_bill("package", hospital=HOSPITAL_TWO), sample_bill("package")
    file = csv_file({mine.key: mine.submission, theirs.key: theirs.submission}).encode()

    first, second = (await _signed(house, HOSPITAL_TWO, "POST", "/v1/uploads/csv", file)).document["bills"]

    assert (first["state"], second["state"], second["code"]) == ("accepted", "refused", "hospital-mismatch")
    assert await house.settlements("package", theirs) == []


async def test_the_soap_door_shows_nobody_anothers_order(house: House, order: dict[str, Any]) -> None:
    def asking(order_id: str) -> bytes:
        inner = f"<Request><Header/><Body><CommercialQueryRt><CaseNo>{order_id}</CaseNo></CommercialQueryRt></Body></Request>"
        arguments = f"<input1>GW0002</input1><input2><![CDATA[{inner}]]></input2>"
        call = f"<HIPMessageServer>{arguments}</HIPMessageServer>"
        return f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{call}</e:Body></e:Envelope>'.encode()

    there = await _signed(house, HOSPITAL_TWO, "POST", "/v1/soap", asking(order["order_id"]))
    nowhere = await _signed(house, HOSPITAL_TWO, "POST", "/v1/soap", asking("ord_00000000000000000000000000"))

    assert b"order-unknown" in there.body
    assert there.body == nowhere.body


async def test_the_same_key_of_two_hospitals_means_two_bills(house: House) -> None:
    """Neither learns of the other's: not by a conflict, not by its answer."""
    mine, theirs = sample_bill("package"), sample_bill("package", hospital=HOSPITAL_TWO)

    first = await house.submit(mine)
    second = await _signed(house, HOSPITAL_TWO, "POST", "/v1/claims", theirs.body, mine.key)

    assert (first.status, second.status) == (200, 200)
    assert first.document["order_id"] != second.document["order_id"]


async def test_a_certificate_counts_more_than_a_signature_of_another(house: House, order: dict[str, Any]) -> None:
    """Hospital one's connection with hospital two's signature is hospital one."""
    headers = signer_of(house.stage, HOSPITAL_TWO)("GET", f"/v1/orders/{order['order_id']}", "", b"", "")

    assert (await house.call("GET", f"/v1/orders/{order['order_id']}", b"", headers)).status == 200


async def test_a_hospital_beyond_its_pace_is_told_when_to_come_back(narrow: DoorStage, ward: House) -> None:
    """Hospital two may ask ten times at once and then twice a second; hospital one notices nothing."""
    answers = await asyncio.gather(*(_signed(ward, HOSPITAL_TWO, "GET", "/v1/events") for _ in range(20)))
    refused = [answer for answer in answers if answer.status == 429]

    assert 8 <= len(refused) <= 11
    require_refusal(refused[0], 429, "too-often")
    assert refused[0].headers["retry-after"] == "1"
    log = (narrow.home / "gateway.log").read_text("utf-8").splitlines()
    assert any(refused[0].headers["x-request-id"] in line and HOSPITAL_TWO in line for line in log)
    assert (await ward.submit(sample_bill("huiyibao"))).is_decided
    await asyncio.sleep(1)
    assert (await _signed(ward, HOSPITAL_TWO, "GET", "/v1/events")).status == 200


async def test_a_bill_larger_than_agreed_is_refused(narrow: DoorStage, ward: House) -> None:
    """Hospital three may send 100,000 bytes."""
    answer = await _signed(ward, HOSPITAL_THREE, "POST", "/v1/claims", b" " * 100_001, "large-1")

    require_refusal(answer, 413, "body-too-large")


async def test_a_hospital_whose_bills_hang_leaves_room_for_the_others(
    narrow: DoorStage, ward: House, evil: EvilInsurer
) -> None:
    """Hospital three may have two bills under way; its insurer never answers."""
    evil.behave = _never
    bills = [sample_bill("package", hospital=HOSPITAL_THREE) for _ in range(4)]

    answers = [
        await _signed(ward, HOSPITAL_THREE, "POST", "/v1/claims", bill.body, bill.key, Prefer="wait=0")
        for bill in bills
    ]

    assert [answer.status for answer in answers] == [202, 202, 503, 503]
    require_refusal(answers[3], 503, "busy")
    assert (await ward.submit(sample_bill("huiyibao"))).is_decided


async def _never(_: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
