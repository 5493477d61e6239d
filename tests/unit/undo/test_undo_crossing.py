"""An undo that meets the message it undoes: what was found by seeded worlds (docs/simulation.md)."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from support.insurer_double import LOST, MANIFEST, InsurerDouble, Parlour, parlour

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.budget import Stage, stage_of
from gateway.claims.conversation.resolver import Resolver
from gateway.claims.partners.manifest import Fault, Manifest
from gateway.store.errors import StoreFailed
from gateway.store.unit import Unit

NONE = ActResult(state="refused", peer_code="N")
SETTLED = ActResult(state="accepted", verdict="paid", approved=900)


def a_day_later(house: Parlour) -> ActResult:
    house.room.clock.days += 1
    return NONE


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    double = InsurerDouble(manifest=msgspec.convert(MANIFEST | {"settling_time": "1h"}, Manifest))
    double.faults = double.faults | {"N": Fault(code="not-found", who="gateway", retry="no", zh="无", en="None")}
    made = parlour(tmp_path / "claims.db", double)
    yield made
    await made.room.store.close()


async def test_nothing_to_undo_is_the_word_of_the_moment_of_asking(house: Parlour) -> None:
    """Asked within the settling time, answered after it: the first message may have arrived in between."""
    house.insurer.answers["settle"] = [LOST]
    house.insurer.answers["status"] = [ActResult(state="pending")]
    house.insurer.answers["cancel"] = [lambda: a_day_later(house), NONE]
    bill = await house.bring()

    undo = await house.undo(bill)

    assert house.states(undo)["claim"] == "asked"
    assert house.rows("claim", order_id=bill.order_id)[0]["state"] == "reversing"

    await house.engine.wake(bill.order_id)
    assert house.states(await house.rest(undo.undo_id))["claim"] == "undone"


async def test_an_approval_that_meets_an_undo_goes_to_the_work_list(house: Parlour) -> None:
    house.insurer.answers["settle"] = [LOST]
    house.insurer.answers["status"] = [ActResult(state="pending")]
    house.insurer.answers["cancel"] = [NONE]
    bill = await house.bring()
    await house.undo(bill)

    await house.told_late(bill, SETTLED)

    assert [row["why"] for row in house.rows("work_item")] == ["approved-while-reversing"]


def test_a_claim_that_settles_in_one_act_is_not_given_up_while_it_is_out() -> None:
    assert stage_of("claim") is stage_of("settle") is Stage.SETTLE


async def test_a_resolver_outlives_a_database_that_was_away(house: Parlour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.claims.conversation.resolver._EVERY_S", 0.0)
    looked: list[str] = []

    async def away() -> list[str]:
        looked.append("due")
        if len(looked) == 1:
            raise StoreFailed("away")
        raise InterruptedError

    resolver = Resolver(house.engine)
    monkeypatch.setattr(Resolver, "due", lambda _: away())
    with pytest.raises(InterruptedError):
        await resolver.run()
    assert len(looked) == 2


async def test_an_undo_that_stops_in_the_middle_has_an_alarm(house: Parlour, monkeypatch: pytest.MonkeyPatch) -> None:
    bill = await house.decided()
    commit = house.room.store.commit

    async def once_only(unit: Unit) -> None:
        await commit(unit)
        if any(step.table == "undo_leg" for step in unit.steps):
            monkeypatch.setattr(house.room.store, "commit", away)

    async def away(_: Unit) -> None:
        raise StoreFailed("away")

    monkeypatch.setattr(house.room.store, "commit", once_only)
    undo = await house.undo(bill)
    monkeypatch.setattr(house.room.store, "commit", commit)

    assert house.states(undo)["claim"] == "waiting", "its legs are planned, and nothing is asked yet"
    assert house.bill_row(bill)["look_at"] > 0


async def test_an_undo_that_nobody_began_is_begun_within_seconds(
    house: Parlour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker elsewhere may write the bill's alarm over the one that the undo set."""
    bill = await house.decided()
    row = {"undo_id": "und_1", "order_id": bill.order_id, "hospital": bill.hospital, "idem_key": "k", "scope": "whole"}
    unit = Unit().insert("undo", **row, state="undoing", was="", amount=0, version=0, created_at=1, updated_at=1)
    unit.update("bill", {"order_id": bill.order_id}, undo_id="und_1", look_at=None)
    await house.room.store.commit(unit)

    await Resolver(house.engine)._undos({"was": ""})
    await house.quiet()

    assert house.rows("undo")[0]["was"] == "decided"
