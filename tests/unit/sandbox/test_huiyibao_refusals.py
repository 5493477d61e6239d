"""What the 惠医保 insurer does not take: bills and pushes that do not hold, envelopes that cannot be trusted."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from huiyibao_support import PUSHES, Sealer, World, compact, sample

BENT: list[tuple[str, Any, int]] = [
    ("totalAmount", 43001, 2003),
    ("selfBAmount", 7251, 2003),
    ("selfCAmount", 2801, 2003),
    ("totalMedins", 43000, 2003),
    ("accountPayAmnt", 0, 2001),
    ("otherSplitAmnt", None, 2001),
    ("totalAmount", "43000", 2001),
    ("certNo", "999901198503120099", 2006),
    ("visitType", 1, 2002),
    ("visitType", 2, 2002),
    ("feeRecordNumber", "FEE-X", 2005),
    ("visitSerialNumber", "VS-X", 2005),
    ("requireCode", "", 2001),
]


@pytest.mark.parametrize(("name", "value", "code"), BENT)
async def test_a_trial_that_does_not_hold_is_refused(world: World, name: str, value: Any, code: int) -> None:
    await world.declare()

    assert await world.hospital.code("4.1", sample("4_1_advance") | {name: value}) == code


PUSH_FAULTS: list[tuple[str, Callable[[dict[str, Any]], None], int]] = [
    ("3.2", lambda push: push.pop("tel"), 2001),
    ("3.2", lambda push: push.update(certType=14), 2002),
    ("3.2", lambda push: push.update(cardNumber=""), 2001),
    ("3.3", lambda push: push.update(visitTime=1741137120000), 2001),
    ("3.3", lambda push: push.update(admdiagInfo=[]), 2001),
    ("3.3", lambda push: push.update(inhospStatus=3), 2002),
    ("3.4", lambda push: push.pop("principleAction"), 2001),
    ("3.5", lambda push: push["feeList"][0].update(totalAmount=42999), 2003),
    ("3.5", lambda push: push["feeList"].append(push["feeList"][0]), 2001),
    ("3.5", lambda push: push["feeList"][0]["feeDetailsList"][0].update(x_amount=25.0), 2001),
]


@pytest.mark.parametrize(("op", "bend", "code"), PUSH_FAULTS)
async def test_a_push_that_does_not_hold_is_refused(
    world: World, op: str, bend: Callable[[dict[str, Any]], None], code: int
) -> None:
    push = sample(PUSHES[op])
    bend(push)

    assert await world.hospital.code(op, push) == code


@pytest.mark.parametrize(("medins", "code"), [(12769, 0), (13769, 0), (13768, 2003)])
async def test_an_invoice_may_count_the_serious_illness_fund_into_the_basic_part(
    world: World, medins: int, code: int
) -> None:
    number = await world.quoted(totalMedins=12769, cisPayAmnt=1000)
    await world.order("4.3", number, qrCode="Q")
    invoice = sample("3_9_invoiceInfo")
    invoice["invoiceList"][0]["totalMedins"] = medins

    assert await world.hospital.code("3.9", invoice) == code


TEXT = compact(sample(PUSHES["3.2"]))


def now_ms() -> int:
    return time.time_ns() // 10**6


def changed(sealer: Sealer, **members: Any) -> dict[str, Any]:
    good = sealer.envelope(TEXT)
    return good | {name: change(good[name]) for name, change in members.items()}


UNTRUSTED: dict[str, tuple[Callable[[Sealer], dict[str, Any]], int]] = {
    "another signer": (lambda ours: Sealer(ours.keys, "stranger-sm2").envelope(TEXT), 1001),
    "a changed time": (lambda ours: changed(ours, timeStamp=lambda stamp: stamp + 1), 1001),
    "a changed cipher text": (lambda ours: changed(ours, data=lambda text: text[:-2] + "zz"), 1001),
    "a changed signature": (lambda ours: changed(ours, sign=lambda text: text[:-1] + "01"[text[-1] == "0"]), 1001),
    "capital hex": (lambda ours: changed(ours, sign=str.upper), 1001),
    "one member more": (lambda ours: ours.envelope(TEXT) | {"extra": 1}, 1001),
    "a time as text": (lambda ours: changed(ours, timeStamp=str), 1002),
    "more than a minute ago": (lambda ours: ours.envelope(TEXT, now_ms=now_ms() - 61_000), 1002),
    "more than a minute ahead": (lambda ours: ours.envelope(TEXT, now_ms=now_ms() + 62_000), 1002),
    "another receiver": (lambda ours: ours.envelope(TEXT, receiver="stranger-sm2"), 1004),
    "another hospital": (lambda ours: ours.envelope(TEXT, hospital="TEST0002"), 1005),
    "unsorted": (lambda ours: ours.envelope('{"visitNo":"1","certNo":"2"}'), 1006),
    "unsorted inside": (lambda ours: ours.envelope('{"a":[{"c":1,"b":2}]}'), 1006),
    "spread out": (lambda ours: ours.envelope(TEXT.replace(",", ", ", 1)), 1006),
    "no object": (lambda ours: ours.envelope("[]"), 1006),
    "a name twice": (lambda ours: ours.envelope('{"certNo":"1","certNo":"2"}'), 1004),
}


@pytest.mark.parametrize("fault", UNTRUSTED)
async def test_an_envelope_that_cannot_be_trusted_is_refused(world: World, fault: str) -> None:
    bend, code = UNTRUSTED[fault]

    answer = await world.hospital.raw("3.2", compact(bend(world.hospital.sealer)).encode())

    assert answer["code"] == code


async def test_a_body_that_is_no_json_is_refused(world: World) -> None:
    assert (await world.hospital.raw("3.2", b"<xml/>"))["code"] == 1001


async def test_a_signature_is_used_once(world: World) -> None:
    body = world.hospital.sealer.seal(sample(PUSHES["3.2"]))

    assert (await world.hospital.raw("3.2", body))["code"] == 0
    assert (await world.hospital.raw("3.2", body))["code"] == 1003
