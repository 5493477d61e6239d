"""Faults A1 to A5 and A12 to A14: answers that are lost, late, doubled or wrong, and reversals that meet the same fate."""

import asyncio
import time
from typing import Any

from support.bills import SampleBill, sample_bill
from support.doorstage import DoorStage, EvilInsurer
from support.house import House
from support.middleman import Middleman
from support.unknownstage import Office

_DEAF = 2
"""As many enquiries as the folders of this stage allow."""


async def ends(house: House, order_id: str, patience_s: float = 25) -> tuple[set[str], dict[str, Any]]:
    """Every state that a polling hospital saw of the first claim, and the view when it waits for nobody but persons."""
    seen: set[str] = set()
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        view = (await house.order(order_id)).document
        seen.add(view["claims"][0]["state"])
        if view["state"] != "pending" or view["claims"][0]["state"] == "manual":
            return seen, view
        await asyncio.sleep(0.05)
    raise AssertionError(f"no end; seen {seen}")


async def lost(house: House, code: str, settle: str, status: str, *, settled: bool = True) -> tuple[SampleBill, str]:
    """A bill whose settlement's answer is lost and whose enquiries are answered with nothing usable."""
    await house.script(code, settle, "lose_answer" if settled else "error500")
    await house.script(code, status, "error500", times=_DEAF)
    bill = sample_bill(code)
    taken = await house.submit(bill, wait=0)
    return bill, taken.document["order_id"]


async def applied(house: House, code: str, bill: SampleBill) -> list[int]:
    return [one["times_applied"] for one in await house.settlements(code, bill)]


async def paid(house: House) -> int:
    """Paying acts that the insurer heard."""
    return len([one for one in await house.received("package") if one["op"] == "S291"])


async def events(house: House, order_id: str) -> list[str]:
    return [event["kind"] for event in await house.events() if event["order_id"] == order_id]


async def told(house: House, order_id: str, kind: str) -> None:
    """Wait for this event of the order."""
    for _ in range(150):
        if kind in await events(house, order_id):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"no event {kind}")


async def settled(house: House, bill: SampleBill) -> None:
    for _ in range(200):
        if await applied(house, bill.insurers[0], bill) == [1]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the insurer settled nothing")


async def called_twice(house: House, code: str, earlier: int) -> None:
    """Wait until the insurer's second call was acknowledged."""
    for _ in range(150):
        notices = (await house.ledger(code))["notices"][earlier:]
        if any(one["attempts"] >= 2 and one["acknowledged"] for one in notices):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the insurer made no second call that was acknowledged")


async def test_a1_a_settlement_nobody_can_tell_about_is_reversed(clinic: House) -> None:
    before = await paid(clinic)
    bill, order_id = await lost(clinic, "package", "S291", "S300")

    seen, view = await ends(clinic, order_id)

    assert {"unknown", "reversing"} & seen
    assert (view["claims"][0]["state"], view["claims"][0]["outcome"]) == ("closed", "reversed")
    assert view["self_pay_due_fen"] == view["claims"][0]["claimed_fen"], "the patient pays"
    assert await applied(clinic, "package", bill) == [0]
    assert await paid(clinic) == before + 1, "the paying act was sent once"
    assert "claim-reversed" in await events(clinic, order_id)


async def test_a1_where_the_contract_says_so_the_insurers_own_quote_stands(clinic: House) -> None:
    bill, order_id = await lost(clinic, "huiyibao", "4.3", "4.4")

    _, view = await ends(clinic, order_id)

    claim = view["claims"][0]
    assert (claim["outcome"], claim["reason"]) == ("paid", "accepted-unanswered")
    assert claim["approved_fen"] == claim["quoted_fen"] > 0
    assert await applied(clinic, "huiyibao", bill) == [1]


async def test_a2_while_the_enquiry_fails_too_the_claim_is_pending_counted_and_never_paid_twice(house: House) -> None:
    await house.script("package", "S291", "lose_answer")
    await house.script("package", "S300", "drop_connection", times=2)
    before = await paid(house)
    bill = sample_bill("package")

    taken = await house.submit(bill, wait=1)
    metrics = (await house.call("GET", "/metrics", door="operator")).body.decode()
    view = (await house.decided(taken.document["order_id"])).document

    assert await paid(house) == before + 1
    assert taken.status == 202
    assert taken.document["claims"][0]["state"] == "unknown"
    assert 'lianpei_unknown_claims{insurer="package"} 1.0' in metrics
    assert view["claims"][0]["outcome"] == "paid"
    assert await applied(house, "package", bill) == [1]


async def test_a3_a_reversal_whose_answer_is_lost_is_asked_about_and_repeated_under_its_own_id(clinic: House) -> None:
    await clinic.script("package", "S270", "error500")
    bill, order_id = await lost(clinic, "package", "S291", "S300")

    seen, view = await ends(clinic, order_id)

    assert "reversing" in seen
    assert view["claims"][0]["outcome"] == "reversed"
    assert await applied(clinic, "package", bill) == [0]


async def test_a4_a_reversal_of_what_never_arrived_closes_the_claim(clinic: House) -> None:
    bill, order_id = await lost(clinic, "package", "S291", "S300", settled=False)

    _, view = await ends(clinic, order_id)

    assert (view["claims"][0]["state"], view["claims"][0]["outcome"]) == ("closed", "reversed")
    assert view["claims"][0]["reason"] == "not-found"
    assert await applied(clinic, "package", bill) == []


async def test_a4_a_reversal_of_what_is_paid_out_goes_to_persons_who_put_it_down_as_paid(clinic: House) -> None:
    office = Office(clinic)
    bill, order_id = await lost(clinic, "package", "S291", "S300")
    await settled(clinic, bill)
    await clinic.pay_out("package", bill)

    _, parked = await ends(clinic, order_id)
    items = await office.items(order_id)
    fen = (await clinic.settlements("package", bill))[0]["amount_fen"]
    approved = await office.two_persons(items[0]["item_id"], approved_fen=fen)
    view = (await clinic.decided(order_id)).document

    assert (parked["claims"][0]["state"], parked["claims"][0]["reason"]) == ("manual", "already-paid")
    assert [(one["kind"], one["why"], one["insurer"]) for one in items] == [("claim", "already-paid", "package")]
    assert approved.status == 200
    assert view["approved_fen"] == fen
    assert await office.items(order_id) == []


async def test_a5_an_approval_after_the_reversal_changes_nothing_and_is_on_the_work_list(clinic: House) -> None:
    office = Office(clinic)
    await clinic.script("hcx", "claim/on_submit", "delay", seconds=4)
    taken = await clinic.submit(sample_bill("hcx"), wait=1)
    order_id = taken.document["order_id"]
    undo = (await clinic.undo(order_id, f"a5-{order_id[-10:]}")).document
    stuck = await clinic.undone(undo["undo_id"], "stuck")
    item = (await office.items(order_id))[0]
    assert (await office.two_persons(item["item_id"])).status == 200

    reversed_view = await clinic.undone(undo["undo_id"], "asked", leg="yibao")
    await told(clinic, order_id, "answer-late")
    after = (await clinic.order(order_id)).document
    listed = await office.items(order_id)

    assert taken.document["claims"][0]["state"] == "accepted"
    assert stuck["legs"][0]["state"] == "manual", "hcx has no act that undoes"
    assert reversed_view["legs"][0]["state"] == "undone"
    assert (after["claims"][0]["state"], after["claims"][0]["outcome"]) == ("closed", "reversed")
    assert [one["why"] for one in listed] == ["approved-after-reversal"]


async def test_a13_a_decision_told_twice_counts_once(clinic: House) -> None:
    await clinic.script("hcx", "claim/on_submit", "duplicate_callback")
    earlier = len((await clinic.ledger("hcx"))["notices"])
    bill = sample_bill("hcx")

    view = (await clinic.submit(bill)).document
    await called_twice(clinic, "hcx", earlier)

    assert (await clinic.order(view["order_id"])).document["approved_fen"] == view["approved_fen"] > 0
    assert await applied(clinic, "hcx", bill) == [1]
    assert "money-differs" not in await events(clinic, view["order_id"])


async def test_a14_a_cancel_while_the_payment_is_in_flight_ends_paid_and_reversed_or_never_sent(clinic: House) -> None:
    await clinic.script("package", "S291", "delay", seconds=2)
    bill = sample_bill("package", "huiyibao")
    taken = await clinic.submit(bill, wait=1)
    order_id = taken.document["order_id"]

    undo = (await clinic.undo(order_id, f"a14-{order_id[-10:]}")).document
    seen = await clinic.undone(undo["undo_id"], "asked", leg="yibao", patience_s=25)

    assert taken.document["state"] == "pending"
    assert [(leg["insurer"], leg["state"]) for leg in seen["legs"][:2]] == [
        ("huiyibao", "nothing"),
        ("package", "undone"),
    ]
    assert await applied(clinic, "package", bill) == [0]
    assert await applied(clinic, "huiyibao", bill) == []
    assert "decided" not in await events(clinic, order_id)


async def test_a12_an_amount_that_cannot_be_is_set_aside_and_never_accepted(
    narrow: DoorStage, ward: House, evil: EvilInsurer
) -> None:
    evil.behave = Middleman(narrow, quoted="99999.00").behave
    bill = sample_bill("package")

    view = (await ward.submit(bill)).document
    items = await Office(ward).items(view["order_id"])

    assert (view["state"], view["approved_fen"]) == ("pending", 0)
    assert (view["claims"][0]["state"], view["claims"][0]["reason"]) == ("manual", "quote-out-of-bounds")
    assert [(one["kind"], one["why"]) for one in items] == [("claim", "quote-out-of-bounds")]
    assert await applied(ward, "package", bill) == []
