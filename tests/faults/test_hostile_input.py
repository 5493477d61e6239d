"""The hospital door against hostile input: a clear refusal every time, nothing echoed, and the next bill is served."""

import asyncio
import gzip
import re
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict
from support.bills import SampleBill, sample_bill
from support.hostile import PLANT, bomb, deep, first_amount, replaced, require_refusal, require_serving, spelt
from support.house import Answer, House
from support.signed import HOSPITAL_TWO


@pytest.fixture(autouse=True)
async def _unharmed(house: House, stage_home: Path) -> AsyncIterator[None]:
    """After every attack: an ordinary bill is settled, and the log holds neither the plant nor a trace."""
    yield
    await require_serving(house, sample_bill("package"))
    log = (stage_home / "gateway.log").read_bytes()
    assert PLANT.encode() not in log
    assert b"Traceback" not in log


async def _post(house: House, body: bytes, **headers: str) -> Answer:
    named = {"Idempotency-Key": f"hostile-{abs(hash(body))}", "Content-Type": "application/json"}
    return await house.call("POST", "/v1/claims", body, named | {k.replace("_", "-"): v for k, v in headers.items()})


BAD_JSON: dict[str, Callable[[SampleBill], bytes]] = {
    "empty": lambda _: b"",
    "an array": lambda _: b"[1]",
    "one megabyte of nesting": lambda _: deep(170_000),
    "a hundred thousand levels": lambda _: deep(100_000),
    "a hundred thousand open brackets": lambda _: b"[" * 100_000,
    "a level too many in a known place": lambda bill: replaced(bill, '"policies":[', '"policies":' + "[" * 5000),
    "one key twice": lambda bill: b'{"kind":"quick_claim",' + bill.body[1:],
    "one inner key twice": lambda bill: replaced(bill, '"patient":{', '"patient":{"name":"' + PLANT + '",'),
    "NaN": lambda bill: replaced(bill, first_amount(bill), '"total":NaN'),
    "an exponent beyond all bounds": lambda bill: replaced(bill, first_amount(bill), '"total":1e999'),
    "an amount of 31 digits": lambda bill: replaced(bill, first_amount(bill), '"total":' + "1" * 31),
    "a fraction of a fen": lambda bill: replaced(bill, first_amount(bill), first_amount(bill) + ".5"),
    "an amount as text": lambda bill: replaced(bill, first_amount(bill), f'"total":"{PLANT}"'),
    "a price of 31 digits": lambda bill: replaced(bill, _price(bill), '"price":"' + "1" * 31 + '"'),
    "a price that is not finite": lambda bill: replaced(bill, _price(bill), '"price":"Infinity"'),
    "a lone surrogate": lambda bill: replaced(bill, _name(bill), '"name":"' + PLANT + '\\ud800"'),
    "an escaped NUL": lambda bill: replaced(bill, _name(bill), '"name":"' + PLANT + '\\u0000"'),
    "a raw NUL": lambda bill: replaced(bill, _name(bill), '"name":"' + PLANT + '\x00"'),
    "a control character": lambda bill: replaced(bill, _name(bill), '"name":"' + PLANT + '\\u0007"'),
    "a byte order mark": lambda bill: b"\xef\xbb\xbf" + bill.body,
    "GBK bytes": lambda bill: bill.body.decode().encode("gb18030"),
    "UTF-16": lambda bill: bill.body.decode().encode("utf-16"),
    "an unknown field": lambda bill: b'{"' + PLANT.encode() + b'":"' + PLANT.encode() + b'",' + bill.body[1:],
    "an unknown kind": lambda bill: replaced(bill, '"kind":"direct_pay"', f'"kind":"{PLANT}"'),
    "a date that is none": lambda bill: replaced(bill, _birth(bill), f'"birth_date":"2025-02-30{PLANT}"'),
    "trailing rubbish": lambda bill: bill.body + PLANT.encode(),
}


def _price(bill: SampleBill) -> str:
    return f'"price":"{bill.submission["lines"][0]["price"]}"'


def _name(bill: SampleBill) -> str:
    return f'"name":{spelt(bill.submission["patient"]["name"])}'


def _birth(bill: SampleBill) -> str:
    return f'"birth_date":"{bill.submission["patient"]["birth_date"]}"'


@pytest.mark.parametrize("attack", BAD_JSON.values(), ids=BAD_JSON.keys())
async def test_a_body_that_is_no_sound_bill_is_refused(house: House, attack: Callable[[SampleBill], bytes]) -> None:
    bill = sample_bill("package")

    answer = await _post(house, attack(bill))

    status = 422 if answer.status == 422 else 400
    codes = ("json-invalid", "bad-json", "schema-invalid", "bad-money", "bad-claim", "text-not-allowed")
    require_refusal(answer, status, *codes)
    assert await house.settlements("package", bill) == []


def _too_much(submission: dict[str, Any]) -> None:
    submission["split"]["total"] += 7


async def test_money_that_does_not_tie_out_names_rule_fields_and_difference(house: House) -> None:
    bill = sample_bill("package").changed(_too_much)

    told = require_refusal(await house.submit(bill), 422, "money-does-not-tie-out", "bad-money", "money")

    text = spelt(told)
    assert "split.total" in text
    assert "7" in text.replace(str(bill.submission["split"]["total"]), "")
    assert str(bill.submission["split"]["total"]) not in text, "amounts are the patient's; only the difference is told"
    assert await house.settlements("package", bill) == []


@pytest.mark.parametrize("key", ["", " ", "with blank", "k" * 65, "umlaut-ä", "semi;colon", f"a/{PLANT}"])
async def test_a_key_that_is_no_id_is_refused(house: House, key: str) -> None:
    bill = sample_bill("package")

    answer = await house.submit(bill, headers={"Idempotency-Key": key})

    require_refusal(answer, 400, "idempotency-key-missing")


@pytest.mark.parametrize("path", ["/v1/claims", "/v1/policies", "/v1/orders/ord_1/undo", "/v1/deposits"])
async def test_two_keys_are_refused_because_either_may_be_meant(house: House, path: str) -> None:
    bill = sample_bill("package")
    headers = CIMultiDict([("Idempotency-Key", bill.key), ("Idempotency-Key", f"{bill.key}-b")])

    answer = await house.call("POST", path, bill.body, headers)

    require_refusal(answer, 400, "idempotency-key-missing")


async def test_a_body_of_twenty_megabytes_is_refused(house: House) -> None:
    require_refusal(await _post(house, b" " * (20 << 20)), 413, "body-too-large")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", PLANT])
async def test_a_compressed_body_is_refused_unopened(house: House, encoding: str) -> None:
    """A bomb, rubbish and an honest bill alike: nothing is unpacked for anybody."""
    bill = sample_bill("package")
    headers = {"Idempotency-Key": bill.key, "Content-Encoding": encoding}

    for body in (bomb(200), PLANT.encode(), gzip.compress(bill.body)):
        require_refusal(await house.call("POST", "/v1/claims", body, headers), 400, "encoding-not-taken")
    assert await house.settlements("package", bill) == []


async def test_an_unknown_format_is_refused(house: House) -> None:
    bill = sample_bill("package")

    require_refusal(await house.submit(bill, form=f"hl7-{PLANT}"), 400, "format-unknown")


@pytest.mark.parametrize("form", ["yibao-2207", "fhir-r4"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", deep(100_000), b'{"settlement":"PLANTED7Q","resourceType":1}'])
async def test_other_formats_refuse_rubbish_alike(house: House, form: str, body: bytes) -> None:
    answer = await house.call("POST", f"/v1/claims/{form}", body, {"Idempotency-Key": "hostile-form"})

    codes = ("json-invalid", "bad-json", "bad-claim", "format-incomplete", "mapping-failed", "message-refused")
    require_refusal(answer, 422 if answer.status == 422 else 400, *codes)


PATHS = {
    "/v1/orders/..%2f..%2fetc%2fpasswd": "order-unknown",
    "/v1/orders/ord_%00": "order-unknown",
    "/v1/orders/" + "x" * 3000: "order-unknown",
    "/v1/orders/%ff%fe": "order-unknown",
    "/schemas/../../pyproject.toml": "not-found",
    "/schemas/%2e%2e/%2e%2e/pyproject.toml": "not-found",
    "/schemas/..%2f..%2fpyproject.toml": "not-found",
    "//v1/events": "not-found",
    f"/{PLANT}": "not-found",
    "/v1/orders/": "not-found",
}


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_leads_nowhere_but_to_its_route(house: House, path: str) -> None:
    require_refusal(await house.call("GET", path), 404, PATHS[path])


@pytest.mark.parametrize("after", ["-1", "x", "1" * 16, "%00", "%D9%A3", PLANT])
async def test_an_odd_place_in_the_feed_is_refused(house: House, after: str) -> None:
    require_refusal(await house.call("GET", f"/v1/events?after={after}"), 400, "after-invalid")


async def test_another_method_is_refused(house: House) -> None:
    require_refusal(await house.call("DELETE", "/v1/claims"), 405, "method-not-allowed")


async def test_another_hospitals_visit_is_refused_without_its_code(house: House) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_TWO)

    answer = await house.submit(bill)

    require_refusal(answer, 403, "hospital-mismatch")
    assert HOSPITAL_TWO.encode() not in answer.body


RAW = {
    "no HTTP at all": b"\x00\x01\x02" + PLANT.encode() + b"\r\n\r\n",
    "an endless header": b"GET /v1/events HTTP/1.1\r\nHost: x\r\nX: " + PLANT.encode() * 10_000 + b"\r\n\r\n",
    "two lengths": b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\n"
    + PLANT.encode(),
    "length and chunks": b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
    + PLANT.encode(),
    "a chunk that lies": b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    + PLANT.encode(),
}


async def _raw(house: House, data: bytes) -> bytes:
    context = ssl.create_default_context(cafile=str(house.stage.keys / "ca.cert.pem"))
    reader, writer = await asyncio.open_connection("localhost", house.stage.ports["hospital"], ssl=context)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(65536), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("data", RAW.values(), ids=RAW.keys())
async def test_bytes_that_are_no_request_get_a_refusal_without_an_echo(house: House, data: bytes) -> None:
    told = await _raw(house, data)

    assert told.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert b"application/problem+json" in told
    assert PLANT.encode() not in told
    assert b"Traceback" not in told


async def test_slow_callers_do_not_keep_others_from_being_served(house: House) -> None:
    """A hundred callers that say one header byte at a time, for two seconds."""
    context = ssl.create_default_context(cafile=str(house.stage.keys / "ca.cert.pem"))
    port = house.stage.ports["hospital"]
    slow = await asyncio.gather(*(asyncio.open_connection("localhost", port, ssl=context) for _ in range(100)))
    for _ in range(4):
        for _reader, writer in slow:
            writer.write(b"P")
        served = await asyncio.wait_for(house.submit(sample_bill("package")), 5)
        assert served.is_decided
        await asyncio.sleep(0.5)
    for _reader, writer in slow:
        writer.close()


async def test_a_key_said_twice_is_found_though_another_was_left_out(house: House) -> None:
    """The number of keys alone proves nothing."""
    for left_out in ("accident", "is_main", "order_kind", "relation"):
        bill = sample_bill("package")
        spelt_out = re.search(rf'"{left_out}":[^,{{}}\[\]]+,', bill.body.decode())
        assert spelt_out is not None
        doubled = b'{"kind":"quick_claim",' + replaced(bill, spelt_out[0], "")[1:]

        answer = await _post(house, doubled)

        assert answer.status in (400, 422), left_out
        require_refusal(answer, answer.status, "bad-json", "schema-invalid")
