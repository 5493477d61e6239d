"""An act that was sent once is never “not sent” again, whatever becomes of its repeats (found by seeded worlds)."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from support.insurer_double import LOST, MANIFEST, InsurerDouble, Parlour, parlour

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.partners.manifest import Manifest
from gateway.kernel.errors import NotSent

PAID = ActResult(state="accepted", verdict="paid", approved=900)


def refused_connection() -> ActResult:
    raise NotSent("refused", code="not-connected")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    """An insurer that can't be asked: it knows a repeat by its act id, and calls."""
    acts = {"acts": {"settle": {"role": "claim", "retry": "same_id"}}, "enquiries": 2}
    made = parlour(tmp_path / "claims.db", InsurerDouble(manifest=msgspec.convert(MANIFEST | acts, Manifest)))
    yield made
    await made.room.store.close()


async def taken(house: Parlour) -> Bill:
    """The insurer took the claim; then the counter's time was over."""

    def pending() -> ActResult:
        house.room.clock.days += 1
        return ActResult(state="pending")

    house.insurer.answers["settle"] = [pending]
    return await house.bring()


async def taken_up_again(house: Parlour, bill: Bill) -> Parlour:
    again = parlour(house.room.path, house.insurer, house.room)

    def unreachable() -> ActResult:
        house.room.clock.days += 1
        return refused_connection()

    house.insurer.answers["settle"] = [unreachable]
    await again.engine.look(bill.order_id)
    await again.quiet()
    return again


def act_and_claim(house: Parlour) -> tuple[str, str]:
    return house.rows("act", name="settle")[0]["state"], house.rows("claim")[0]["state"]


async def test_a_taken_claim_whose_repeat_does_not_leave_is_still_taken(house: Parlour) -> None:
    bill = await taken(house)

    again = await taken_up_again(house, bill)

    assert house.insurer.times("settle") == 2
    assert act_and_claim(house) == ("pending", "accepted")

    await again.told_late(bill, PAID)
    assert house.rows("claim")[0]["approved"] == 900


async def test_it_is_not_undone_as_if_nothing_had_been_sent(house: Parlour) -> None:
    again = await taken_up_again(house, bill := await taken(house))

    undo = await again.undo(bill)

    assert (undo.state, [row["why"] for row in house.rows("work_item")]) == ("stuck", ["no-undo-act"])


async def test_a_lost_answer_stays_lost_when_no_repeat_leaves(house: Parlour) -> None:
    house.insurer.answers["settle"] = [LOST, refused_connection, refused_connection]

    await house.bring()

    assert act_and_claim(house) == ("unknown", "manual"), "after all repeats it is a person's, and not “never sent”"


async def test_what_never_left_is_closed_as_never_sent(house: Parlour) -> None:
    house.insurer.answers["settle"] = [refused_connection]

    await house.bring()

    assert act_and_claim(house) == ("not_sent", "closed")
