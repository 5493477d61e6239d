"""An insurer that took a claim and whose call never comes is asked again; no claim waits for ever."""

import pytest
from support.bills import sample_bill
from support.house import House

LOST = [("huiyibao", "4.2"), ("hcx", "claim/on_submit"), ("ant", "notify")]


@pytest.mark.parametrize(("code", "op"), LOST)
async def test_a_decision_whose_call_is_lost_is_fetched(house: House, code: str, op: str) -> None:
    await house.script(code, op, "drop_connection")
    bill = sample_bill(code)

    document = await house.settle(bill, patience_s=60)
    booked = await house.settlements(code, bill)

    assert document["claims"][0]["outcome"] == "paid"
    assert [(one["times_applied"], one["amount_fen"]) for one in booked] == [(1, document["approved_fen"])]
