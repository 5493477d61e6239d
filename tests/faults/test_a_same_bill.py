"""Cases A6 to A9 and A15: the same bill again, another bill under the same key, and repeats after everything is forgotten."""

import asyncio
import itertools
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.hostile import require_refusal
from support.house import House
from support.room import open_room

from gateway.claims.door.views import stored_view
from gateway.claims.partners.registry import Registry
from gateway.cli import main
from gateway.cli.stage import Stage
from gateway.store.errors import Duplicate
from gateway.store.unit import Unit

Change = Callable[[dict[str, Any]], object]


async def one_settlement(house: House, bill: SampleBill) -> None:
    assert [one["times_applied"] for one in await house.settlements(bill.insurers[0], bill)] == [1]


async def sent(house: House, code: str = "package") -> int:
    return len(await house.received(code))


async def test_a6_a_repeat_gets_the_first_answer_byte_for_byte_and_nothing_is_sent(house: House) -> None:
    bill = sample_bill("package")

    first = await house.submit(bill)
    before = await sent(house)
    again = await house.submit(bill)
    asked = await house.order(first.document["order_id"])

    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body == asked.body
    assert await sent(house) == before
    await one_settlement(house, bill)


@pytest.mark.parametrize(
    "change",
    [
        lambda bill: bill["split"].update(settled_at_day="2025-03-06"),
        lambda bill: bill["invoice"].update(check_code="654321"),
    ],
    ids=["another day", "another invoice"],
)
async def test_a7_another_bill_under_a_used_key_is_refused_with_both_digests_and_the_first_is_untouched(
    house: House, change: Change
) -> None:
    bill = sample_bill("package")
    first = await house.submit(bill)
    before = await sent(house)

    other = await house.submit(bill.changed(change))

    refusal = require_refusal(other, 422, "idempotency-key-reused")
    assert "retry-after" not in other.headers
    assert len([word for word in refusal["hint"].replace(".", "").replace(",", "").split() if is_digest(word)]) == 2
    assert await sent(house) == before
    assert (await house.order(first.document["order_id"])).body == first.body
    await one_settlement(house, bill)


def is_digest(word: str) -> bool:
    return len(word) == 8 and not set(word) - set("0123456789abcdef")


async def test_a7_another_amount_under_a_used_key_is_refused(house: House) -> None:
    bill = sample_bill("package")
    assert (await house.submit(bill)).status == 200

    other = await house.submit(bill.changed(_one_yuan_more))

    require_refusal(other, 422, "idempotency-key-reused")
    await one_settlement(house, bill)


OPERATIONS = ("/v1/claims", "/v1/guarantees", "/v1/policies")
"""Each takes a bill: the same body means something else at each of them."""


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(OPERATIONS, 2)))
async def test_a7_the_same_bill_asked_for_something_else_under_a_used_key_is_refused(
    house: House, first: str, second: str
) -> None:
    """Whoever claims and gets the answer of a question would collect everything, and no insurer would be asked."""
    bill = sample_bill("hcx", story="inpatient")
    headers = {"Idempotency-Key": bill.key, "Prefer": "wait=20"}
    taken = await house.call("POST", first, bill.body, headers)
    before = await sent(house, "hcx")

    other = await house.call("POST", second, bill.body, headers)
    again = await house.call("POST", first, bill.body, headers)

    require_refusal(other, 422, "idempotency-key-reused")
    assert (again.status, again.body) == (taken.status, taken.body)
    assert await sent(house, "hcx") == before


async def test_a7_of_two_operations_at_once_under_one_key_one_is_refused(house: House) -> None:
    bill = sample_bill("package")
    headers = {"Idempotency-Key": bill.key, "Prefer": "wait=20"}

    answers = await asyncio.gather(
        *(house.call("POST", path, bill.body, headers) for path in ("/v1/policies", "/v1/claims"))
    )

    taken, refused = sorted(answers, key=lambda answer: answer.status)
    assert taken.is_decided
    require_refusal(refused, 422, "idempotency-key-reused")


def _one_yuan_more(bill: dict[str, Any]) -> None:
    """Of a line, its category, the whole and what the patient bears: it ties out as well as before."""
    bill["lines"][0].update(price="26", amount=2600, in_scope=2600)
    split = bill["split"]
    split["categories"][0]["amount"] += 100
    for name in ("total", "scope_total", "cash_pay", "self_pay_due"):
        split[name] += 100
    bill["invoice"]["amount"] += 100


def _backwards(bill: SampleBill) -> bytes:
    return json.dumps(dict(reversed(bill.submission.items())), ensure_ascii=False, indent=3).encode()


def _escaped(bill: SampleBill) -> bytes:
    return json.dumps(bill.submission, ensure_ascii=True).encode()


@pytest.mark.parametrize("spelt", [_backwards, _escaped], ids=["order and blanks", "escapes"])
async def test_a8_another_spelling_of_the_same_json_is_the_same_bill(
    house: House, spelt: Callable[[SampleBill], bytes]
) -> None:
    bill = sample_bill("package")
    first = await house.submit(bill)

    again = await house.call("POST", "/v1/claims", spelt(bill), {"Idempotency-Key": bill.key, "Prefer": "wait=20"})

    assert spelt(bill) != bill.body
    assert (again.status, again.body) == (200, first.body)
    await one_settlement(house, bill)


def _other_zeros(bill: dict[str, Any]) -> None:
    bill["lines"][0]["price"] += ".00"


def _decomposed(bill: dict[str, Any]) -> None:
    bill["patient"]["name"] = unicodedata.normalize("NFD", bill["patient"]["name"])


def _composed(bill: dict[str, Any]) -> None:
    bill["patient"]["name"] = "测试é"


@pytest.mark.parametrize("change", [_other_zeros, _decomposed], ids=["25 and 25.00", "NFC and NFD"])
async def test_a8_a_value_that_is_written_otherwise_is_another_bill_and_decided_by_nobody(
    house: House, change: Change
) -> None:
    """Values go into insurers' messages as they are written, so equal meaning under another text is never assumed."""
    bill = sample_bill("package").changed(_composed)
    first = await house.submit(bill)
    assert first.is_decided, first.body
    other = SampleBill(bill.wish, bill.submission, bill.body, bill.key).submission
    changed = json.loads(json.dumps(other))
    change(changed)
    before = await sent(house)

    again = await house.call(
        "POST", "/v1/claims", json.dumps(changed, ensure_ascii=False).encode(), {"Idempotency-Key": bill.key}
    )

    require_refusal(again, 422, "idempotency-key-reused")
    assert await sent(house) == before
    await one_settlement(house, bill)


async def test_a9_fifty_identical_requests_at_once_are_one_intent_and_one_settlement(house: House) -> None:
    bill = sample_bill("package")
    before = len([one for one in await house.received("package") if one["op"] == "S291"])

    answers = await asyncio.gather(*(house.submit(bill) for _ in range(50)))
    settles = [one for one in await house.received("package") if one["op"] == "S291"]
    booked = await house.settlements("package", bill)

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert len(settles) == before + 1
    assert [(one["times_applied"], one["amount_fen"]) for one in booked] == [(1, answers[0].document["approved_fen"])]


async def test_a15_when_the_content_is_erased_a_repeat_still_gets_its_answer_and_sends_nothing(
    house: House, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = sample_bill("package")
    first = await house.submit(bill)
    order_id = first.document["order_id"]
    chore = ["vault", "erase", "--order", order_id, "--reason", "case-15", "--config", str(stage.home / "gateway.toml")]
    for _ in range(100):
        if await asyncio.to_thread(main, chore) == 0:
            break
        await asyncio.sleep(0.1)
    before = await sent(house)

    again = await house.submit(bill)
    other = await house.submit(bill.changed(lambda told: told["invoice"].update(check_code="654321")))

    assert "erased" in capsys.readouterr().out
    assert (again.status, again.body) == (200, first.body)
    require_refusal(other, 422, "idempotency-key-reused")
    assert await sent(house) == before
    await one_settlement(house, bill)


async def test_a15_however_long_ago_a_key_was_used_it_is_known(tmp_path: Path) -> None:
    """Retention forgets what a bill said, thirty years on; that its key was used, for which digest, and what came of it
    is never forgotten. Numbers of callbacks are kept for 31 days, longer than any insurer's settling time.
    """
    room = open_room(tmp_path / "claims.db", direct_pay=30)
    bill = await room.brought()
    row = room.ledger.bill_by_key("H99990100001", bill.idem_key)
    assert row is not None
    told = stored_view(row, room.ledger, Registry({}))
    room.clock.days = 31 * 366

    done = await room.wish("retention", apply=True)

    later = room.ledger.bill_by_key("H99990100001", bill.idem_key)
    assert done["classes"]["direct_pay"]["due"] == 1
    assert later is not None
    assert (later["body_digest"], stored_view(later, room.ledger, Registry({}))) == (bill.digest, told)
    again = Unit().insert("bill", order_id="ord_other", hospital="H99990100001", idem_key=bill.idem_key)
    with pytest.raises(Duplicate):
        await room.store.commit(again)
    await room.store.close()
