"""Lock 5: bills full of planted marks go through good and bad times; the payment side and all telemetry know none of them."""

import asyncio
import re
import time
from typing import Any

import pytest
from marks import search
from support.bills import SampleBill, sample_bill
from support.house import House

from gateway.cli.stage import Stage
from gateway.cli.wall import claims_telemetry, count_marks, payment_side
from gateway.sandbox.hospital.marks import TOKEN, planted

TROUBLES = [("package", "S291", "lose_answer"), ("huiyibao", "4.1", "garbage"), ("hcx", "claim/submit", "garbage")]
PLACES = {"channel: messages", "payment: metrics", "payment: receipts", "payment: rows", "payment.db", "payment.log"}


def _bills() -> list[SampleBill]:
    """Every insurer, both kinds, a refusal at each of two, two policies, long and short."""
    return [
        sample_bill("package", marks=True),
        sample_bill("package", story="inpatient", marks=True),
        sample_bill("huiyibao", marks=True),
        sample_bill("hcx", marks=True),
        sample_bill("package", "hcx", marks=True),
        sample_bill("ant", marks=True),
        sample_bill("eclaimlink", marks=True),
        sample_bill("hcx", policy="EXPIRED", marks=True),
        sample_bill("ant", policy="REFUSE", marks=True),
    ]


def _one_fen_more(submission: dict[str, Any]) -> None:
    submission["split"]["total"] += 1


async def _told(house: House, bills: list[SampleBill]) -> list[dict[str, Any]]:
    """Every bill decided, and every payment order that follows at the channel."""
    ends = await asyncio.gather(*(house.settle(bill) for bill in bills))
    until = time.monotonic() + 20
    due = {end["self_pay_due_fen"] if end["kind"] == "direct_pay" else end["approved_fen"] for end in ends} - {0}
    while time.monotonic() < until:
        if due <= {order["amount_fen"] for order in (await house.ledger("pay"))["settlements"]}:
            return list(ends)
        await asyncio.sleep(0.1)
    raise AssertionError("payment orders are missing")


@pytest.fixture
async def marks(house: House) -> set[str]:
    """The marks of bills that went through: paid, refused, lost, garbled and never accepted."""
    bills, wrong = _bills(), sample_bill("package", marks=True).changed(_one_fen_more)
    for code, op, do in TROUBLES:
        await house.script(code, op, do)
    assert (await house.submit(wrong)).status == 422
    broken = await house.call("POST", "/v1/claims", wrong.body[:-20], {"Idempotency-Key": wrong.key})
    assert broken.status == 400
    ends = await _told(house, bills)
    outcomes = {claim["outcome"] for end in ends for claim in end["claims"]}
    assert outcomes == {"paid", "refused"}
    return {mark for bill in [*bills, wrong] for mark in planted(bill.submission)}


async def test_no_mark_reaches_the_payment_side_or_any_telemetry_and_a_leak_would_be_found(
    house: House, stage: Stage, marks: set[str]
) -> None:
    """All marks as they are and in the spellings of JSON and GB 18030; one in 24 in every spelling that we know."""
    payment, telemetry = payment_side(stage), claims_telemetry(stage)

    assert payment.keys() >= PLACES
    assert telemetry.keys() == {"gateway: metrics", "gateway.log"}
    assert len(marks) > 300
    assert not any(re.search(TOKEN.pattern.encode(), content) for content in (payment | telemetry).values())
    assert b"stl_" in payment["payment: rows"], "the search looks at rows of real orders"
    assert b"total_amount" in payment["channel: messages"]
    assert b'"receipts":[{' in payment["payment: receipts"]
    assert search(sorted(marks)[::24], payment | telemetry) == []
    assert count_marks(payment | telemetry, marks) == 0
    _leaks_are_found(payment | telemetry, marks)


def _leaks_are_found(places: dict[str, bytes], marks: set[str]) -> None:
    """One mark written into a copy of each place in turn."""
    mark = min(marks)
    for place, content in places.items():
        middle = len(content) // 2
        leaked = {place: content[:middle] + mark.encode() + content[middle:]}

        assert {sighting.place for sighting in search({mark}, leaked)} == {place}
        assert count_marks(leaked, {mark}) == 1
