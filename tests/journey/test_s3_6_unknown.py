"""Status, unknown and timeouts (domain §3.6), step by step: what is known of an act, when it is asked about, and by what id."""

import asyncio
import time
from typing import Any

from support.bills import SampleBill, sample_bill
from support.house import House
from support.unknownstage import Office


async def claim_until(house: House, order_id: str, state: str, patience_s: float = 25) -> dict[str, Any]:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        claim: dict[str, Any] = (await house.order(order_id)).document["claims"][0]
        if claim["state"] == state:
            return claim
        await asyncio.sleep(0.05)
    raise AssertionError(claim)


async def ops(house: House, code: str, since: int) -> list[str]:
    return [one["op"] for one in (await house.received(code))[since:]]


async def test_s3_6_1_every_act_has_its_own_id_its_attempts_and_its_deadline(clinic: House) -> None:
    order = await clinic.settle(sample_bill("huiyibao"))
    claim_id = order["claims"][0]["claim_id"]

    story = (await Office(clinic).ask("auditor", f"claims/{claim_id}")).document
    acts = story["acts"]

    assert len({act["act_id"] for act in acts}) == len(acts) > 5
    assert all(act["attempts"] == 1 for act in acts)
    assert all(act["prepared_at"] < act["deadline_at"] for act in acts)
    assert all(act["request_digest"] and act["mapping_digest"] for act in acts)


async def test_s3_6_3_and_4_after_sending_it_is_unknown_and_asked_about_by_our_own_number(house: House) -> None:
    """The answer to the settling act is lost: enquiries follow under our bill number, and no second settling act."""
    bill, since = sample_bill("package"), len(await house.received("package"))
    await house.script("package", "S291", "lose_answer")
    await house.script("package", "S300", "error500", times=1)

    order_id = (await house.submit(bill, wait=0)).document["order_id"]
    unknown = await claim_until(house, order_id, "unknown")
    decided = (await house.decided(order_id)).document
    seen = await ops(house, "package", since)

    assert "请勿收取商保部分" in unknown["message"]["zh"]
    assert decided["claims"][0]["outcome"] == "paid"
    assert (seen.count("S291"), seen.count("S300") >= 2) == (1, True)
    assert [one["times_applied"] for one in await house.settlements("package", bill)] == [1]


async def test_s3_6_5_enquiries_grow_apart_and_end_with_a_person(clinic: House) -> None:
    """This house asks twice only; then the folder says who decides: here the insurer takes it back."""
    bill, since = sample_bill("package"), len(await clinic.received("package"))
    await clinic.script("package", "S291", "lose_answer")
    await clinic.script("package", "S300", "error500", times=2)

    order_id = (await clinic.submit(bill, wait=0)).document["order_id"]
    closed = await claim_until(clinic, order_id, "closed")
    seen = await ops(clinic, "package", since)

    assert (closed["outcome"], seen.count("S291"), seen.count("S300")) == ("reversed", 1, 2)


async def test_s3_6_6_not_found_is_believed_only_after_the_settling_time(clinic: House) -> None:
    """The insurer never had the act. One second of settling must pass before it is sent again under its own id."""
    bill, since = sample_bill("package"), len(await clinic.received("package"))
    await clinic.script("package", "S291", "drop_connection")

    order = await clinic.settle(bill)
    seen = await ops(clinic, "package", since)

    first, second = (place for place, op in enumerate(seen) if op == "S291")
    assert "S300" in seen[first:second]
    assert order["claims"][0]["outcome"] == "paid"
    assert [one["times_applied"] for one in await clinic.settlements("package", bill)] == [1]


async def test_s3_6_8_a_notice_counts_once_and_is_acknowledged_after_it_is_kept(house: House) -> None:
    bill = sample_bill("ant")
    await house.script("ant", "notify", "duplicate_callback")

    order = await house.settle(bill)
    await _acknowledged_twice(house, bill)
    events = [one["kind"] for one in await house.events() if one["order_id"] == order["order_id"]]

    assert events.count("decided") == 1
    assert [one["times_applied"] for one in await house.settlements("ant", bill)] == [1]


async def _acknowledged_twice(house: House, bill: SampleBill) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        notices = (await house.ledger("ant"))["notices"]
        if any(one["op"] == "notify" and one["attempts"] >= 2 and one["acknowledged"] for one in notices):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the insurer did not call twice")


async def test_s3_6_9_another_amount_than_quoted_keeps_ours_and_calls_a_person(clinic: House) -> None:
    bill = sample_bill("hcx", policy="DIFFER")

    document = (await clinic.submit(bill)).document
    (item,) = await Office(clinic).items(document["order_id"])

    assert (document["claims"][0]["state"], document["approved_fen"]) == ("manual", 0)
    assert item["why"] == "settled-differs-from-quote"


async def test_s3_6_10_a_refusal_is_an_answer_and_is_never_tried_again(house: House) -> None:
    bill, since = sample_bill("package", policy="REFUSE"), len(await house.received("package"))

    order = await house.settle(bill)
    await asyncio.sleep(1)
    seen = await ops(house, "package", since)

    assert order["claims"][0]["outcome"] == "refused"
    assert seen.count("S290") == 1
    assert "S291" not in seen
