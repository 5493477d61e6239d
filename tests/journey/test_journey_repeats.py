"""A hospital that will not wait, and a part of a bill whose answer is lost (repeats of a whole bill: tests/faults)."""

from support.bills import sample_bill
from support.house import House


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
