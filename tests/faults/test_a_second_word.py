"""Case A13: an insurer's second word. The first one that ends a claim stands; the other is kept, told and shown to a person."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.insurer_double import Parlour, parlour

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation import callbacks
from gateway.claims.conversation.resolver import Resolver

PAID = ActResult(state="accepted", verdict="paid", approved=1000)
REFUSED = ActResult(state="refused", peer_code="P2")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    made = parlour(tmp_path / "claims.db")
    yield made
    await made.room.store.close()


@pytest.mark.parametrize(
    "late",
    [
        ActResult(state="accepted", verdict="paid", approved=900),
        ActResult(state="accepted", verdict="paid", approved=1100),
        ActResult(state="refused", peer_code="P2"),
    ],
)
async def test_a13_a_second_word_with_other_money_never_overwrites_ours(house: Parlour, late: ActResult) -> None:
    bill = await house.decided()

    await house.told_late(bill, late)

    claim = house.rows("claim", order_id=bill.order_id)[0]
    assert (claim["state"], claim["approved"]) == ("decided", 1000)
    assert [row["kind"] for row in house.rows("event")] == ["decided", "money-differs"]
    told = late.approved if isinstance(late.approved, int) else 0
    assert [(row["kind"], row["amount"]) for row in house.rows("work_item")] == [("answer-differs", abs(told - 1000))]
    changes = house.rows("change", field="claim.late-amount")
    assert [(row["old"], row["new"]) for row in changes] == [("1000", str(told))]


async def test_a13_paid_after_refused_is_no_payment_but_seen_by_a_person(house: Parlour) -> None:
    house.insurer.answers["settle"] = [REFUSED]
    bill = await house.bring()
    before = house.rows("claim", order_id=bill.order_id)[0]

    await house.told_late(bill, PAID)

    after = house.rows("claim", order_id=bill.order_id)[0]
    assert (after["state"], after["outcome"], after["approved"]) == (before["state"], before["outcome"], 0)
    assert house.insurer.times("settle") == 1
    assert [row["kind"] for row in house.rows("event")].count("decided") == 1
    assert {row["kind"] for row in house.rows("event")} & {"money-differs", "answer-late"}
    assert [row["cause"] for row in house.rows("change", field="act.evidence")] == ["late-or-repeated"]


async def test_a13_the_number_of_a_call_is_remembered_for_thirty_days_in_the_database(house: Parlour) -> None:
    """Whatever process runs then: the purge takes what is older, and nothing else."""
    work = house.engine.ledger.work()
    expires = work.now() + callbacks._ONCE_FOR_MS
    work.unit.insert("nonce", scope="partner:package", value="d" * 64, expires_at=expires)
    await work.flush()

    house.room.clock.days = 30
    await Resolver(house.engine)._purge()
    kept = house.rows("nonce")
    house.room.clock.days = 32
    await Resolver(house.engine)._purge()

    assert [row["value"] for row in kept] == ["d" * 64]
    assert house.rows("nonce") == []
