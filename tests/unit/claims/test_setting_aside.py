"""Work that breaks off in the same way again and again: set aside with its context, and tried again when a person says so."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.insurer_double import LOST, MANIFEST, InsurerDouble, Parlour, parlour

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.claims.conversation.redriving import redrive
from gateway.claims.conversation.setting_aside import MOST_TRIES
from gateway.claims.partners.manifest import Manifest
from gateway.claims.partners.partner import AnswerUnread, Prepared, Reply
from gateway.kernel.errors import Conflict, MessageRefused, NotSent
from gateway.wire.link import HttpAnswer

PAID = ActResult(state="accepted", verdict="paid", approved=1000)


class Breaking(InsurerDouble):
    """Raises what ``wrong`` says, where it says it."""

    wrong: dict[str, Exception]

    def prepare(self, dispatch: Dispatch) -> Prepared:
        self._raise("prepare")
        return super().prepare(dispatch)

    async def exchange(self, prepared: Prepared, dispatch: Dispatch) -> Reply:
        self._raise(dispatch.act.name)
        return await super().exchange(prepared, dispatch)

    def _raise(self, place: str) -> None:
        if place in self.wrong:
            raise self.wrong[place]


@pytest.fixture
def insurer() -> Breaking:
    made = Breaking(
        manifest=msgspec.convert(
            MANIFEST | {"enquiries": 12, "kinds": {"direct_pay": ["settle"], "quick_claim": ["settle"]}}, Manifest
        )
    )
    made.wrong = {}
    return made


@pytest.fixture
def house(tmp_path: Path, insurer: Breaking, monkeypatch: pytest.MonkeyPatch) -> Parlour:
    monkeypatch.setattr("gateway.claims.conversation.courier.enquiry_delay", lambda _: 0.01)
    return parlour(tmp_path / "claims.db", insurer)


async def again(house: Parlour, bill: Bill) -> None:
    house.engine.resume(bill.order_id)
    await house.quiet()


def contexts(house: Parlour, bill: Bill) -> list[dict[str, Any]]:
    found = house.rows("message", owner_id=bill.order_id, direction="context")
    return [json.loads(house.engine.ledger.opened(row)) for row in found]


def nobody() -> ActResult:
    raise NotSent("nobody is there")


async def kept(house: Parlour) -> Bill:
    """A quick-claim that waits for its insurer."""
    house.insurer.answers["settle"].append(nobody)
    return await house.bring(kind="quick_claim")


async def test_an_error_of_the_program_sets_the_bill_aside_at_the_third_try_with_its_context(
    house: Parlour, insurer: Breaking
) -> None:
    bill = await kept(house)
    insurer.wrong |= dict.fromkeys(("settle", "status"), RuntimeError("a mistake"))
    alarms = []
    for _ in range(MOST_TRIES - 1):
        await again(house, bill)
        alarms.append(house.bill_row(bill)["look_at"] - house.room.clock.epoch_ms())
    await again(house, bill)
    (item,) = house.rows("work_item")

    assert 15_000 < alarms[0] < 25_000 < 35_000 < alarms[1], "each pause is longer"
    assert house.bill_row(bill)["look_at"] is None
    assert (item["item_id"], item["kind"], item["why"]) == (f"aside:{bill.order_id}", "set-aside", "RuntimeError")
    (context,) = contexts(house, bill)
    assert (context["error"], context["tries"]) == ("RuntimeError", MOST_TRIES)
    assert any("exchange" in frame for frame in context["frames"])


async def test_a_good_end_forgets_the_tries_before(house: Parlour, insurer: Breaking) -> None:
    bill = await kept(house)
    insurer.wrong["settle"] = RuntimeError("a mistake")
    await again(house, bill)
    assert [row["tries"] for row in house.rows("set_aside")] == [1]
    del insurer.wrong["settle"]
    insurer.answers["status"].append(PAID)
    insurer.answers["settle"].append(PAID)
    await again(house, bill)

    assert house.bill_row(bill)["state"] == "decided"
    assert house.rows("set_aside") == []


async def test_a_message_that_can_not_be_made_waits_with_its_context_and_goes_when_the_mapping_is_mended(
    house: Parlour, insurer: Breaking
) -> None:
    insurer.wrong["prepare"] = MessageRefused("no price", code="mapping-failed")
    bill = await house.bring()
    (item,) = house.rows("work_item")
    insurer.wrong.clear()
    insurer.answers["settle"].append(PAID)
    await redrive(house.engine, "operator:li.na", item, "case-9")
    await house.quiet()

    assert (item["kind"], item["why"]) == ("claim", "mapping-failed")
    assert [(one["text"], one["act"]) for one in contexts(house, bill)] == [("no price", "settle")]
    assert house.bill_row(bill)["approved"] == 1000
    assert insurer.times("settle") == 1


async def test_what_was_sent_is_never_redriven_but_asked_about(house: Parlour, insurer: Breaking) -> None:
    insurer.answers["settle"].append(LOST)
    insurer.answers["status"] += [ActResult(state="unknown")] * 40
    await house.bring()
    (item,) = house.rows("work_item")

    assert item["why"] == "outcome-unknown"
    with pytest.raises(Conflict) as refused:
        await redrive(house.engine, "operator:li.na", item, "case-9")
    assert refused.value.error_code == "nothing-to-redrive"
    assert insurer.times("settle") == 1


async def test_answers_that_can_not_be_read_go_to_a_person_after_three_and_their_bytes_are_kept(
    house: Parlour, insurer: Breaking
) -> None:
    insurer.answers["settle"].append(LOST)
    insurer.wrong["status"] = AnswerUnread(HttpAnswer(200, {}, b"<odd/>"), "answer-form")
    await house.bring()
    (item,) = house.rows("work_item")
    told = [house.engine.ledger.opened(row) for row in house.rows("message", direction="in")]

    assert (item["kind"], item["why"]) == ("claim", "answer-unread")
    assert told.count(b"<odd/>") == 3
    assert insurer.times("settle") == 1
