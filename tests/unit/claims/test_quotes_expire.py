"""Quotes that nobody confirms end by themselves; what an insurer settled already is left to a person."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from support.bills import sample_bill
from support.room import Room, open_room

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.claim import Submission
from gateway.claims.conversation.counter import DIFFERS, Counter
from gateway.claims.conversation.offers import Offers
from gateway.claims.conversation.states import BillState, ClaimState
from gateway.claims.intake import canonical_bytes
from gateway.claims.work import Work
from gateway.kernel.ids import new_claim_id, new_order_id
from gateway.store.claims_tables import DUE_NOW
from gateway.telemetry.metrics import Metrics

VALID_MS = 300_000


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    opened = open_room(tmp_path / "claims.db")
    yield opened
    await opened.store.close()


def _counter(room: Room) -> Counter:
    partner = SimpleNamespace(manifest=SimpleNamespace(kinds={"direct_pay": (), "quick_claim": ()}))
    registry: Any = SimpleNamespace(get=lambda _: partner)
    return Counter(registry, Metrics.for_codes(["package"]), room.clock, False, VALID_MS, Offers(room.clock))


async def _quoted(room: Room, counter: Counter, **wish: Any) -> tuple[Bill, Work]:
    """A bill at rest with one quote, on disk."""
    brought = sample_bill("package").changed(lambda bill: bill.update(counter={"confirm": True} | wish))
    submission = msgspec.json.decode(brought.body, type=Submission)
    encoded, digest = canonical_bytes(submission)
    order_id, now = new_order_id(), room.clock.now()
    claim = ClaimRun(
        new_claim_id(), order_id, 1, submission.policies[0], submission.kind, now, ClaimState.QUOTED, quoted=500
    )
    bill = Bill(order_id, "H99990100001", order_id, digest, submission, now, [claim], encoded)
    work = room.ledger.work()
    work.safe.belong_to(bill)
    counter.at_rest(bill, work)
    await work.flush(bill)
    return bill, work


async def test_quotes_rest_for_as_long_as_the_settings_say(room: Room) -> None:
    counter = _counter(room)
    bill, work = await _quoted(room, counter)

    row = await room.store.read(room.ledger.bill_row, bill.order_id)

    assert row is not None
    assert row["state"] == "quoted"
    assert row["look_at"] == row["quoted_until"] == bill.quoted_until
    assert not counter.expired(bill, work)
    assert bill.claims[0].state is ClaimState.QUOTED


@pytest.mark.parametrize(
    ("wish", "kinds", "outcome"),
    [
        ({"quick_claim": True}, ["direct_pay", "quick_claim"], "to_quick_claim"),
        ({"quick_claim": True, "on_expiry": "cancel"}, ["direct_pay"], "not_sent"),
        ({}, ["direct_pay"], "not_sent"),
    ],
)
async def test_expired_quotes_end_as_the_bill_says(
    room: Room, wish: dict[str, Any], kinds: list[str], outcome: str
) -> None:
    counter = _counter(room)
    bill, work = await _quoted(room, counter, **wish)
    room.clock.days = 1

    assert counter.expired(bill, work)
    assert bill.state is BillState.PENDING
    assert bill.claims[0].state is ClaimState.CLOSED
    assert (bill.claims[0].outcome, bill.claims[0].reason) == (outcome, "quote-expired")
    assert [claim.kind.value for claim in bill.claims] == kinds


async def test_no_quote_is_valid_for_longer_whatever_clock_set_its_end(room: Room) -> None:
    counter = _counter(room)
    room.clock.days = 1
    bill, work = await _quoted(room, counter)
    room.clock.days = 0

    assert not counter.expired(bill, work)
    assert bill.quoted_until <= work.now() + VALID_MS


async def test_an_amount_that_is_settled_already_is_never_dropped(room: Room) -> None:
    counter = _counter(room)
    bill, work = await _quoted(room, counter, quick_claim=True)
    bill.claims[0].reason = DIFFERS
    room.clock.days = 1

    assert counter.expired(bill, work)
    assert [claim.state for claim in bill.claims] == [ClaimState.MANUAL]


async def test_a_quoted_bill_is_the_same_after_a_restart(room: Room) -> None:
    counter = _counter(room)
    bill, _ = await _quoted(room, counter)

    again = await room.store.read(room.ledger.load_bill, bill.order_id)

    assert again is not None
    assert again.asks
    assert (again.state, again.quoted_until, again.claims[0].quoted) == (BillState.QUOTED, bill.quoted_until, 500)


async def _quote_beside(room: Room, state: ClaimState) -> tuple[Bill, Work]:
    """A quote that waits for the second policy of its bill, on disk."""
    bill, work = await _quoted(room, _counter(room))
    bill.state, bill.claims[0].next_at = BillState.PENDING, 0
    second = ClaimRun(
        new_claim_id(), bill.order_id, 2, bill.claims[0].policy, bill.claims[0].kind, bill.created_at, state
    )
    bill.claims.append(second)
    return bill, work


@pytest.mark.parametrize("state", [ClaimState.MANUAL, ClaimState.NEED_MORE])
async def test_a_quote_that_waits_for_a_policy_that_a_person_has_sets_no_alarm(room: Room, state: ClaimState) -> None:
    bill, work = await _quote_beside(room, state)

    await work.flush(bill)

    row = await room.store.read(room.ledger.bill_row, bill.order_id)
    assert row is not None
    assert row["look_at"] is None
    assert bill.next_look(work.now()) == 0


async def test_a_quote_that_waits_for_an_open_policy_is_looked_at_again(room: Room) -> None:
    bill, work = await _quote_beside(room, ClaimState.UNKNOWN)

    assert bill.next_look(work.now()) > work.now()


async def test_a_bill_whose_time_came_and_where_nothing_moved_gets_a_new_time(room: Room) -> None:
    """Else it would be taken up again with every look, for ever."""
    bill, work = await _quoted(room, _counter(room))
    work.unit.update("bill", {"order_id": bill.order_id}, look_at=DUE_NOW)
    await work.flush()
    bill.look_at = DUE_NOW

    await work.flush(bill)

    row = await room.store.read(room.ledger.bill_row, bill.order_id)
    assert row is not None
    assert row["look_at"] == bill.quoted_until
