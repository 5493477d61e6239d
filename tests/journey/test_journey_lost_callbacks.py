"""An insurer that took a claim and whose call never comes is asked again; no claim waits for ever."""

import pytest
from support.bills import sample_bill
from support.house import House


async def _decided_without_its_call(house: House, code: str, op: str) -> None:
    await house.script(code, op, "drop_connection")
    bill = sample_bill(code)

    document = await house.settle(bill, patience_s=90)
    booked = await house.settlements(code, bill)

    assert document["claims"][0]["outcome"] == "paid", code
    assert [(one["times_applied"], one["amount_fen"]) for one in booked] == [(1, document["approved_fen"])], code


async def test_a_decision_whose_call_is_lost_is_fetched_by_enquiry(house: House) -> None:
    await _decided_without_its_call(house, "hcx", "claim/on_submit")


@pytest.mark.parametrize("op", ["3.10", "4.2"])
async def test_at_the_counter_the_act_is_repeated_while_the_patient_waits(house: House, op: str) -> None:
    """Neither the declaration nor the trial moves money, so their insurer is told again within the promised 20 s."""
    await house.script("huiyibao", op, "drop_connection")
    bill = sample_bill("huiyibao")

    answer = await house.submit(bill, wait=20)

    assert answer.is_decided, answer.body
    assert [claim["outcome"] for claim in answer.document["claims"]] == ["paid"]


@pytest.mark.long
async def test_where_nothing_can_be_enquired_the_same_act_is_repeated(house: House) -> None:
    """Half a minute later, under its own id, and money moves once."""
    await _decided_without_its_call(house, "ant", "notify")
