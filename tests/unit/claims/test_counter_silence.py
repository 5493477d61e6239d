"""An insurer that falls silent before its settling act holds up no counter, with or without leave for a quick-claim."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from support.insurer_double import MANIFEST, InsurerDouble, Parlour, parlour

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.turn import CounterTurn
from gateway.claims.partners.manifest import Manifest
from gateway.kernel.errors import NotSent, OutcomeUnknown

PAID = ActResult(state="accepted", verdict="paid", approved=900)
OFFERED = ActResult(state="accepted", approved=900)
_ACTS = MANIFEST["acts"] | {"check": {"retry": "same_id"}, "offer": {"role": "quote", "retry": "same_id"}}
QUOTING = MANIFEST | {"kinds": {"direct_pay": ["check", "offer", "settle"]}, "acts": _ACTS, "enquiries": 9}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    made = parlour(tmp_path / "claims.db", InsurerDouble(manifest=msgspec.convert(QUOTING, Manifest)))
    made.insurer.answers["offer"] = [OFFERED]
    yield made
    await made.room.store.close()


def too_late(house: Parlour, end: ActResult | Exception) -> Callable[[], ActResult]:
    """What the insurer says when the counter's time is over."""

    def said() -> ActResult:
        house.room.clock.days += 1
        if isinstance(end, Exception):
            raise end
        return end

    return said


def lost() -> OutcomeUnknown:
    return OutcomeUnknown("lost", code="answer-broken")


def ending(house: Parlour) -> tuple[str, str, str]:
    claim = house.rows("claim")[0]
    return claim["state"], claim["outcome"], claim["reason_code"]


@pytest.mark.parametrize("act", ["check", "offer"])
async def test_without_leave_for_a_quick_claim_the_patient_pays_and_the_bill_is_decided(
    house: Parlour, act: str
) -> None:
    house.insurer.answers[act] = [too_late(house, lost())]

    bill = await house.bring()

    assert ending(house) == ("closed", "not_sent", "over-budget")
    assert house.bill_row(bill)["state"] == "decided"
    assert house.bill_row(bill)["self_pay_due"] == bill.submission.split.cash_pay
    assert house.insurer.times("settle") == 0
    assert (len(house.rows("claim")), house.rows("waiting"), house.rows("work_item")) == (1, [], [])


async def test_one_that_takes_it_and_never_answers_is_left_too(house: Parlour) -> None:
    house.insurer.answers["check"] = [too_late(house, ActResult(state="pending"))]

    await house.bring()

    assert ending(house) == ("closed", "not_sent", "over-budget")


async def test_one_that_can_no_longer_be_reached_amid_the_conversation_is_named_so(house: Parlour) -> None:
    house.insurer.answers["offer"] = [too_late(house, NotSent("refused", code="not-connected"))]

    await house.bring()

    assert ending(house) == ("closed", "not_sent", "insurer-unreachable")


async def test_one_that_answers_late_is_heard(house: Parlour) -> None:
    house.insurer.answers["offer"] = [too_late(house, OFFERED)]
    house.insurer.answers["settle"] = [PAID]

    await house.bring()

    assert ending(house)[:2] == ("decided", "paid")


async def test_a_settlement_without_an_answer_is_never_left(house: Parlour) -> None:
    house.insurer.answers["settle"] = [too_late(house, lost())]

    bill = await house.bring()

    assert ending(house)[0] == "unknown"
    assert house.bill_row(bill)["state"] == "pending"


async def test_after_an_interruption_the_insurer_has_a_while_more_before_it_is_left(
    house: Parlour, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.insurer.answers["check"] = [too_late(house, lost()), ActResult(state="accepted")]
    house.insurer.answers["settle"] = [PAID]
    with monkeypatch.context() as died:
        died.setattr(CounterTurn, "unanswered", lambda *_: False)  # as if the process had died before it could say so
        bill = await house.bring()
    again = parlour(house.room.path, house.insurer, house.room)

    await again.engine.look(bill.order_id)
    await again.quiet()

    assert ending(house)[:2] == ("decided", "paid")
