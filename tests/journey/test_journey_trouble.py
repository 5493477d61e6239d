"""Answers that are lost, late or broken are unknown, never failed, and money moves once."""

import asyncio
import time
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.house import Answer, House

TROUBLES = [
    ("package", "S291", "lose_answer", 0.0),
    ("huiyibao", "4.3", "delay", 10.5),
    ("ant", "report", "lose_answer", 0.0),
    ("eclaimlink", "UploadTransaction", "lose_answer", 0.0),
    ("hcx", "claim/submit", "error500", 0.0),
]
"""One per insurer, at the act that moves money; acts are given up after 8 s."""


async def _seen_until_decided(house: House, order_id: str) -> tuple[set[str], dict[str, Any]]:
    """Every claim state that a polling hospital saw, and the decided view."""
    seen: set[str] = set()
    until = time.monotonic() + 40
    while time.monotonic() < until:
        answer = await house.order(order_id)
        seen |= {claim["state"] for claim in answer.document["claims"]}
        if answer.is_decided:
            return seen, answer.document
        await asyncio.sleep(0.1)
    raise AssertionError(f"not decided; seen {seen}")


async def _through(house: House, bill: SampleBill) -> tuple[set[str], dict[str, Any], list[dict[str, Any]]]:
    taken: Answer = await house.submit(bill, wait=0)
    assert taken.status in (200, 202), taken.body
    seen, document = await _seen_until_decided(house, taken.document["order_id"])
    return seen, document, await house.settlements(bill.insurers[0], bill)


async def test_trouble_at_the_settling_act_ends_in_one_payment_for_every_insurer(house: House) -> None:
    """A lost, late or failed answer: the state is ``unknown`` until the insurer was asked, then the truth."""
    bills = [sample_bill(code) for code, *_ in TROUBLES]
    for code, op, do, seconds in TROUBLES:
        await house.script(code, op, do, seconds=seconds)

    ends = await asyncio.gather(*(_through(house, bill) for bill in bills))

    for (code, op, do, _), (seen, document, booked) in zip(TROUBLES, ends, strict=True):
        claim = document["claims"][0]
        assert claim["outcome"] == "paid", (code, op, do, claim)
        assert [one["times_applied"] for one in booked] == [1], (code, op, do)
        assert booked[0]["amount_fen"] == claim["approved_fen"] > 0, (code, op, do)
        assert seen <= {"created", "sent", "unknown", "accepted", "decided"}, (code, op, do, seen)
    assert "unknown" in ends[0][0], "a lost answer that is being asked about is shown as unknown"


async def test_an_answer_that_comes_late_but_in_time_is_simply_the_answer(house: House) -> None:
    await house.script("package", "S290", "delay", seconds=1)
    bill = sample_bill("package")

    answer = await house.submit(bill)

    assert answer.is_decided
    assert answer.document["claims"][0]["outcome"] == "paid"


DUPLICATES = [("huiyibao", "4.2"), ("hcx", "claim/on_submit"), ("ant", "notify")]


@pytest.mark.parametrize(("code", "op"), DUPLICATES)
async def test_a_callback_that_comes_twice_changes_nothing(house: House, code: str, op: str) -> None:
    await house.script(code, op, "duplicate_callback")
    earlier = len((await house.ledger(code))["notices"])
    bill = sample_bill(code)

    decided = await house.submit(bill)
    order_id = decided.document["order_id"]
    await _made_twice(house, code, op, earlier)
    after = await house.order(order_id)
    events = [event["kind"] for event in await house.events() if event["order_id"] == order_id]

    assert decided.status == 200
    assert after.body == decided.body
    assert events == ["decided"]
    assert [one["times_applied"] for one in await house.settlements(code, bill)] == [1]


async def _made_twice(house: House, code: str, op: str, earlier: int) -> None:
    """The insurer called a second time, and both calls were acknowledged."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        notices = [one for one in (await house.ledger(code))["notices"][earlier:] if one["op"] == op]
        if any(one["attempts"] >= 2 and one["acknowledged"] for one in notices):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the insurer made no second call that was acknowledged")


BY_POLICY = [
    ("package", "TROUBLE.lose_answer."),
    ("ant", "TROUBLE.wrong_signature."),
    ("hcx", "TROUBLE.duplicate_callback."),
    ("eclaimlink", "TROUBLE.garbage."),
]


async def test_a_hospital_asks_the_sandbox_for_trouble_by_the_policys_number(house: House) -> None:
    """The gateway knows nothing of it: the number goes through as any other, and the simulator makes the trouble."""
    bills = [sample_bill(code, policy=policy) for code, policy in BY_POLICY]

    ends = await asyncio.gather(*(_through(house, bill) for bill in bills))

    for (code, policy), (_, document, booked) in zip(BY_POLICY, ends, strict=True):
        assert document["claims"][0]["outcome"] == "paid", (code, policy)
        assert [one["times_applied"] for one in booked] == [1], (code, policy)
