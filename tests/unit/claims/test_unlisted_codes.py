"""What becomes of a claim that an insurer refuses by a code that its folder does not list."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.insurer_double import LOST, MANIFEST, InsurerDouble, Parlour, parlour

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.partners.manifest import Manifest
from gateway.claims.partners.partner import AnswerUnread
from gateway.kernel.errors import OutcomeUnknown
from gateway.wire.link import HttpAnswer

UNLISTED = ActResult(state="unknown", peer_code="unlisted-code:2")


def house_of(home: Path, monkeypatch: pytest.MonkeyPatch, **manifest: Any) -> Parlour:
    monkeypatch.setattr("gateway.claims.conversation.courier.enquiry_delay", lambda _: 0.01)
    insurer = InsurerDouble(manifest=msgspec.convert(MANIFEST | {"enquiries": 2} | manifest, Manifest))
    insurer.answers["settle"].append(UNLISTED)
    insurer.answers["status"] += [UNLISTED] * 9
    return parlour(home / "claims.db", insurer)


async def test_a_person_is_told_that_the_code_is_not_listed_and_which_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_of(tmp_path, monkeypatch)

    await house.bring()

    assert [row["why"] for row in house.rows("work_item")] == ["unlisted-code"]
    assert [row["new"] for row in house.rows("change", field="act.peer-code")] == ["2"]
    assert "answer-lost" not in {row["cause"] for row in house.rows("change")}


async def test_a_quote_does_not_stand_for_an_insurer_that_refused_by_whatever_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoting = {"kinds": {"direct_pay": ["quote", "settle"]}, "on_unknown": "accept"}
    acts = MANIFEST["acts"] | {"quote": {"role": "quote", "retry": "same_id"}}
    house = house_of(tmp_path, monkeypatch, **quoting, acts=acts)
    house.insurer.answers["quote"].append(ActResult(state="accepted", approved=1000))

    await house.bring()

    assert [(row["why"], row["kind"]) for row in house.rows("work_item")] == [("unlisted-code", "claim")]
    assert [row["approved"] for row in house.rows("claim")] == [0]


async def test_the_change_of_a_claim_whose_answer_was_not_trusted_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_of(tmp_path, monkeypatch)
    forged = AnswerUnread(HttpAnswer(200, {}, b"<odd/>"), "seal-signature")
    house.insurer.answers["settle"][:] = [lambda: _raise(forged)]
    house.insurer.answers["status"][:] = [ActResult(state="accepted", verdict="paid", approved=700)]

    await house.bring()

    assert [row["cause"] for row in house.rows("change", new="unknown") if row["field"] == "claim.state"] == [
        "seal-signature"
    ]


def _raise(lost: OutcomeUnknown) -> ActResult:
    raise lost


@pytest.mark.parametrize("between", ["a restart", "an answer that can't be read"])
async def test_nor_does_it_stand_after_whatever_came_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    quoting = {"kinds": {"direct_pay": ["quote", "settle"]}, "on_unknown": "accept"}
    acts = MANIFEST["acts"] | {"quote": {"role": "quote", "retry": "same_id"}}
    house = house_of(tmp_path, monkeypatch, **quoting, acts=acts)
    house.insurer.answers["quote"].append(ActResult(state="accepted", approved=1000))
    unread = AnswerUnread(HttpAnswer(200, {}, b"<odd/>"), "seal-signature")
    if between == "a restart":
        house.insurer.answers["settle"][:] = [lambda: _a_day_later(house)]
    house.insurer.answers["status"][:] = [lambda: _raise(unread), *[LOST] * 9]

    bill = await house.bring()
    again = parlour(house.room.path, house.insurer, house.room)
    await again.engine.look(bill.order_id)
    await again.quiet()

    assert [row["why"] for row in house.rows("work_item")] == ["unlisted-code"]
    assert [row["approved"] for row in house.rows("claim")] == [0]


def _a_day_later(house: Parlour) -> ActResult:
    """So the counter's time is over, and what follows is another turn."""
    house.room.clock.days += 1
    return UNLISTED
