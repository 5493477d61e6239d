"""A hospital may send again whenever it is unsure: the same bill, one answer, one payment."""

import asyncio
import json
from typing import Any

from support.bills import sample_bill
from support.house import House


def _one_day_later(bill: dict[str, Any]) -> None:
    bill["invoice"]["check_code"] = "654321"


async def test_a_repeat_gets_the_first_answer_byte_for_byte(house: House) -> None:
    bill = sample_bill("package")

    first = await house.submit(bill)
    again = await house.submit(bill)
    asked = await house.order(first.document["order_id"])

    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body == asked.body


async def test_another_bill_under_a_used_key_is_refused(house: House) -> None:
    bill = sample_bill("package")
    assert (await house.submit(bill)).status == 200

    other = await house.submit(bill.changed(_one_day_later))

    assert (other.status, other.code) == (409, "idempotency-key-reused")
    assert len(await house.settlements("package", bill)) == 1


async def test_another_spelling_of_the_same_json_is_the_same_bill(house: House) -> None:
    bill = sample_bill("package")
    first = await house.submit(bill)
    backwards = dict(reversed(json.loads(bill.body).items()))
    spelt = json.dumps(backwards, ensure_ascii=True, indent=3).encode()

    again = await house.call("POST", "/v1/claims", spelt, {"Idempotency-Key": bill.key, "Prefer": "wait=20"})

    assert (again.status, again.body) == (200, first.body)
    assert len(await house.settlements("package", bill)) == 1


async def test_thirty_identical_requests_at_once_are_one_settlement(house: House) -> None:
    bill = sample_bill("package")

    answers = await asyncio.gather(*(house.submit(bill) for _ in range(30)))
    booked = await house.settlements("package", bill)

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert [one["times_applied"] for one in booked] == [1]
    assert booked[0]["amount_fen"] == answers[0].document["approved_fen"]


async def test_who_will_not_wait_gets_a_place_to_ask_and_an_event(house: House) -> None:
    bill = sample_bill("huiyibao")
    before = await house.events()

    taken = await house.submit(bill, wait=0)
    order_id = taken.document["order_id"]
    decided = await house.decided(order_id)
    events = await house.events(before[-1]["seq"] if before else 0)

    assert taken.status == 202
    assert taken.headers["location"] == f"/v1/orders/{order_id}"
    assert taken.headers["preference-applied"] == "wait=0"
    assert decided.document["claims"][0]["outcome"] == "paid"
    assert [event["kind"] for event in events if event["order_id"] == order_id] == ["decided"]
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)


async def test_a_batch_whose_answer_is_lost_comes_again_alone_and_the_lines_still_add_up(house: House) -> None:
    """230 lines in three calls; the insurer takes a line that it knows as the same line, and refuses sums that do not tie."""
    await house.script("package", "S250", "lose_answer")
    bill = sample_bill("package", story="inpatient-long")
    earlier = len([one for one in await house.received("package") if one["op"] == "S250"])
    document = await house.settle(bill)

    calls = [one for one in await house.received("package") if one["op"] == "S250"][earlier:]
    (booked,) = await house.settlements("package", bill)
    assert document["claims"][0]["outcome"] == "paid"
    assert len(calls) == 4, "three batches, one of them twice"
    assert (booked["amount_fen"], booked["times_applied"]) == (document["approved_fen"], 1)
