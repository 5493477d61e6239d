"""Direct-pay at an outpatient counter (domain §3.2): quote, the patient's word, settling, and every way out of it."""

import asyncio
import json
import time
from typing import Any

import pytest
from multidict import CIMultiDict
from support.bills import SampleBill, sample_bill
from support.house import Answer, House


def at_counter(*insurers: str, policy: str = "", story: str = "", **wish: Any) -> SampleBill:
    """A bill whose ``counter`` says how it is settled."""
    bill = sample_bill(*insurers, policy=policy, story=story)
    return bill.changed(lambda submission: submission.update(counter=wish))


async def confirm(house: House, quoted: dict[str, Any], **more: Any) -> Answer:
    """Confirm what the screen shows."""
    body = {"quotes": quoted["quote"]["quotes"]} | more
    return await house.call("POST", quoted["links"]["confirm"], json.dumps(body).encode())


async def test_s3_2_the_patient_sees_the_quotes_and_confirms_before_anything_is_settled(house: House) -> None:
    bill = at_counter("package", "hcx", confirm=True)
    cash = bill.submission["split"]["cash_pay"]

    quoted = (await house.submit(bill)).document
    before = await house.settlements("package", bill)
    settled = await confirm(house, quoted)
    shown = [one["quoted_fen"] for one in quoted["quote"]["quotes"]]

    assert (quoted["state"], quoted["approved_fen"]) == ("quoted", 0)
    assert [claim["state"] for claim in quoted["claims"]] == ["quoted", "quoted"]
    assert quoted["quote"]["patient_fen"] == cash - sum(shown)
    assert quoted["quote"]["message"].keys() == {"zh", "en"}
    assert before == []
    assert settled.is_decided, settled.body
    assert [claim["approved_fen"] for claim in settled.document["claims"]] == shown
    assert settled.document["self_pay_due_fen"] == quoted["quote"]["patient_fen"]


@pytest.mark.parametrize("lines", [("wait=20", "confirm"), ("Confirm", "wait=20"), ("wait=20, confirm",)])
async def test_s3_2_the_wish_to_be_asked_may_be_a_header_written_in_any_way(
    house: House, lines: tuple[str, ...]
) -> None:
    bill = sample_bill("package")
    headers = CIMultiDict([("Idempotency-Key", bill.key), *(("Prefer", line) for line in lines)])

    answer = await house.call("POST", "/v1/claims", bill.body, headers)

    assert (answer.status, answer.document["state"]) == (202, "quoted")
    assert answer.headers["preference-applied"] == "wait=20, confirm"
    assert await house.settlements("package", bill) == []


async def test_s3_2_a_wish_to_be_asked_that_is_not_understood_takes_nothing(house: House) -> None:
    bill = sample_bill("package")

    refused = await house.submit(bill, headers={"Prefer": "wait=20, confirm=maybe"})
    taken = await house.submit(bill, headers={"Prefer": "respond-async"})

    assert (refused.status, refused.code) == (400, "preference-unclear")
    assert taken.is_decided
    assert "preference-applied" not in taken.headers, "nobody asked for a wait"


@pytest.mark.parametrize("kind", ["direct_pay", "quick_claim"])
@pytest.mark.parametrize("insurer", ["package", "hcx"])
async def test_s3_2_a_patient_without_basic_insurance_is_settled_as_well(house: House, insurer: str, kind: str) -> None:
    """No line of such a bill has a class of the national catalogue."""
    bill = sample_bill(insurer, story="self-pay").changed(lambda submission: submission.update(kind=kind))

    (claim,) = (await house.settle(bill))["claims"]

    assert (claim["outcome"], claim["approved_fen"] > 0) == ("paid", True)


@pytest.mark.parametrize(("insurer", "reason"), [("package", "policy-not-listed"), ("hcx", "not-covered")])
async def test_s3_2_a_policy_that_the_insurer_does_not_know_is_refused_and_named(
    house: House, insurer: str, reason: str
) -> None:
    (claim,) = (await house.settle(sample_bill(insurer, policy="NOSUCH")))["claims"]

    assert (claim["outcome"], claim["reason"]) == ("refused", reason)


async def test_s3_2_a_confirmation_is_good_once_and_only_for_what_was_shown(house: House) -> None:
    bill = at_counter("package", confirm=True)
    quoted = (await house.submit(bill)).document
    other = quoted | {"quote": {"quotes": [quoted["quote"]["quotes"][0] | {"quoted_fen": 1}]}}

    stale = await confirm(house, other)
    first = await confirm(house, quoted)
    again = await confirm(house, quoted)
    late = await confirm(house, other)

    assert (stale.status, stale.code) == (409, "quote-stale")
    assert first.is_decided
    assert again.body == first.body
    assert (late.status, late.code) == (409, "quote-stale")
    assert [one["times_applied"] for one in await house.settlements("package", bill)] == [1]


async def test_s3_2_a_patient_who_does_not_agree_pays_and_claims_afterwards(house: House) -> None:
    bill = at_counter("package", confirm=True, quick_claim=True)
    quoted = (await house.submit(bill)).document

    answer = await confirm(house, quoted, agreed=False)
    direct, quick = answer.document["claims"]

    assert answer.is_decided
    assert (direct["outcome"], direct["reason"]) == ("to_quick_claim", "quote-declined")
    assert (quick["kind"], quick["insurer"]) == ("quick_claim", "package")
    assert answer.document["self_pay_due_fen"] == bill.submission["split"]["cash_pay"]
    assert await _paid(house, answer.document, bill) > 0


async def _paid(house: House, document: dict[str, Any], bill: SampleBill, patience_s: float = 20) -> int:
    """What the quick-claim of this order brought the patient in the end."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        claim = (await house.order(document["order_id"])).document["claims"][-1]
        if claim["state"] == "decided":
            return int(claim["approved_fen"])
        await asyncio.sleep(0.1)
    raise AssertionError(f"no decision: {claim}")


async def test_s3_2_e1_a_refused_trial_goes_on_with_self_pay_and_a_quick_claim(house: House) -> None:
    bill = at_counter("package", policy="REFUSE", quick_claim=True)

    answer = await house.submit(bill)
    direct, quick = answer.document["claims"]

    assert answer.is_decided
    assert (direct["outcome"], direct["message"]["zh"] != "", direct["message"]["en"] != "") == ("refused", True, True)
    assert quick["kind"] == "quick_claim"
    assert "先自付" in quick["message"]["zh"]
    assert "pays now" in quick["message"]["en"]
    assert answer.document["self_pay_due_fen"] == bill.submission["split"]["cash_pay"]


async def test_s3_2_e1_without_leave_a_refused_trial_is_the_end(house: House) -> None:
    answer = await house.submit(sample_bill("package", policy="REFUSE"))

    assert answer.is_decided
    assert [claim["outcome"] for claim in answer.document["claims"]] == ["refused"]


async def test_s3_2_the_counter_waits_20_seconds_at_most(house: House) -> None:
    """Two insurers at once: one decides after 15 s, as in 武汉, and is settled; one (E1) is over budget and left.

    What the second one says later settles nothing.
    """
    await house.script("huiyibao", "4.2", "delay", seconds=15, times=2)  # the act is told again after 5 s
    await house.script("hcx", "predetermination/on_submit", "delay", seconds=25)
    await house.script("hcx", "hcx/status", "error500", times=9)
    slow, silent = sample_bill("huiyibao"), at_counter("hcx", quick_claim=True)

    (settled, after), (left, until) = await asyncio.gather(_timed(house, slow), _timed(house, silent))
    direct, quick = left.document["claims"]

    assert settled.is_decided, settled.document
    assert settled.document["claims"][0]["outcome"] == "paid"
    assert 15 < after < 20
    assert left.is_decided, left.document
    assert (direct["outcome"], direct["reason"]) == ("to_quick_claim", "over-budget")
    assert quick["kind"] == "quick_claim"
    assert 15 < until < 20
    assert await _paid(house, left.document, silent) > 0
    assert [one["times_applied"] for one in await house.settlements("hcx", silent)] == [1]


async def _timed(house: House, bill: SampleBill) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = await house.submit(bill)
    return answer, time.monotonic() - began


async def test_s3_2_e2_while_yibao_is_unknown_the_commercial_share_is_not_settled(house: House) -> None:
    """The answer to 2207 is lost: the hospital asks 2601, and only then the quote it holds is settled."""
    bill = at_counter("package", confirm=True)
    quoted = (await house.submit(bill)).document

    unknown = await confirm(house, quoted, yibao="unknown")
    meanwhile = (await house.order(quoted["order_id"])).document
    booked = await house.settlements("package", bill)
    settled = await confirm(house, quoted, yibao="settled")

    assert (unknown.status, unknown.code) == (409, "yibao-unknown")
    assert "2601" in unknown.document["hint"]
    assert meanwhile == quoted
    assert booked == []
    assert settled.is_decided
    assert settled.document["claims"][0]["outcome"] == "paid"


async def test_s3_2_e2_when_yibao_was_reversed_nothing_is_settled_here_either(house: House) -> None:
    bill = at_counter("package", confirm=True)
    quoted = (await house.submit(bill)).document

    answer = await confirm(house, quoted, yibao="reversed")

    assert answer.is_decided
    assert (answer.document["claims"][0]["outcome"], answer.document["claims"][0]["reason"]) == (
        "not_sent",
        "yibao-reversed",
    )
    assert await house.settlements("package", bill) == []


async def test_s3_2_e3_while_the_settlement_is_unknown_nothing_follows(house: House) -> None:
    """The answer is lost: asked about, never sent as new, and no quick-claim may begin meanwhile."""
    bill = at_counter("package", quick_claim=True)
    await house.script("package", "S291", "lose_answer")
    await house.script("package", "S300", "error500")

    taken = await house.submit(bill, wait=0)
    seen = await _claims_until_decided(house, taken.document["order_id"])

    assert "unknown" in [claims[0]["state"] for claims in seen]
    assert [len(claims) for claims in seen] == [1] * len(seen)
    unknown = next(claims[0] for claims in seen if claims[0]["state"] == "unknown")
    assert "请勿收取商保部分" in unknown["message"]["zh"]
    assert seen[-1][0]["outcome"] == "paid"
    assert [one["times_applied"] for one in await house.settlements("package", bill)] == [1]


async def _claims_until_decided(house: House, order_id: str, patience_s: float = 30) -> list[list[dict[str, Any]]]:
    """The claims as a polling counter sees them, until the order is decided."""
    seen: list[list[dict[str, Any]]] = []
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        answer = await house.order(order_id)
        seen.append(answer.document["claims"])
        if answer.is_decided:
            return seen
        await asyncio.sleep(0.05)
    raise AssertionError(f"not decided: {seen[-1]}")


@pytest.mark.long
async def test_s3_2_e3_a_settlement_that_never_reached_the_insurer_falls_to_quick_claim(house: House) -> None:
    """Unknown beyond the counter's time, then proven not to have happened: only now a quick-claim follows."""
    bill = at_counter("package", quick_claim=True)
    await house.script("package", "S291", "drop_connection")
    await house.script("package", "S300", "error500", times=5)

    taken = await house.submit(bill, wait=0)
    seen = await _claims_until_decided(house, taken.document["order_id"], 90)
    direct, quick = seen[-1]

    assert (direct["outcome"], direct["reason"]) == ("to_quick_claim", "not-at-insurer")
    assert quick["kind"] == "quick_claim"
    assert all(len(claims) == 1 for claims in seen if claims[0]["state"] == "unknown")
    assert await _paid(house, {"order_id": taken.document["order_id"]}, bill) > 0
    assert [one["times_applied"] for one in await house.settlements("package", bill)] == [1]


async def test_s3_2_e4_a_settlement_that_differs_from_the_quote_is_shown_again(house: House) -> None:
    """The insurer settled 1.00 less than it quoted: the patient is asked about that amount, and nothing is sent again."""
    bill = at_counter("hcx", policy="DIFFER", confirm=True)
    quoted = (await house.submit(bill)).document
    first = quoted["quote"]["quotes"][0]["quoted_fen"]

    asked = await confirm(house, quoted)
    old = await confirm(house, quoted)
    settled = await confirm(house, asked.document)

    assert (asked.status, asked.document["state"]) == (202, "quoted")
    assert asked.document["quote"]["quotes"][0]["quoted_fen"] == first - 100
    assert (old.status, old.code) == (409, "quote-stale")
    assert settled.is_decided
    assert settled.document["approved_fen"] == first - 100
    assert [one["amount_fen"] for one in await house.settlements("hcx", bill)] == [first - 100]


async def test_s3_2_e4_without_a_patient_to_ask_it_waits_for_a_person(house: House) -> None:
    answer = await house.submit(sample_bill("hcx", policy="DIFFER"))

    claim = answer.document["claims"][0]
    assert (claim["state"], claim["reason"]) == ("manual", "settled-differs-from-quote")


async def test_s3_2_e6_a_refused_batch_has_all_lines_withdrawn_and_uploaded_again(house: House) -> None:
    bill = sample_bill("package", story="inpatient-long", policy="BATCH")
    before = len(await house.received("package"))

    answer = await house.submit(bill)
    acts = [one["op"] for one in (await house.received("package"))[before:]]

    assert answer.is_decided
    assert answer.document["claims"][0]["outcome"] == "paid"
    assert acts.count("S260") == 1
    assert acts.count("S250") == 2 + 3
