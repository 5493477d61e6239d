"""Two answers to one act: the first that is kept stands, the other one is compared, and nobody waits for one that was lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.insurer_double import LOST, Parlour, parlour

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.collector import Collector
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.item_correction import settle_item
from gateway.claims.conversation.resolver import Resolver
from gateway.kernel.errors import LianpeiError
from gateway.store.errors import StaleWrite, StoreFailed
from gateway.store.unit import Unit


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Parlour]:
    made = parlour(tmp_path / "claims.db")
    yield made
    await made.room.store.close()


def paid(amount: int) -> ActResult:
    return ActResult(state="accepted", verdict="paid", approved=amount)


class Talkative:
    """An insurer that calls with one amount while its answer, with another, is on the way."""

    def __init__(self, house: Parlour, called: int) -> None:
        self.house, self.called = house, called
        self.calls: list[asyncio.Task[None]] = []

    async def exchange(self, prepared: object, dispatch: object) -> object:
        order_id = next(iter(self.house.engine.running))
        bill = self.house.engine.ledger.load_bill(order_id)
        assert bill is not None
        self.calls.append(asyncio.create_task(self.house.told(bill, paid(self.called))))
        await asyncio.sleep(0)  # the call is being written when the answer is here
        return await self.answer(prepared, dispatch)

    def begin(self) -> None:
        self.answer = self.house.insurer.exchange
        self.house.insurer.exchange = self.exchange  # type: ignore[method-assign,assignment]


async def answered_and_called(house: Parlour, answer: int, called: int) -> Bill:
    talkative = Talkative(house, called)
    talkative.begin()
    bill = await house.decided(answer)
    await asyncio.gather(*talkative.calls)
    await house.quiet()
    return bill


async def test_an_answer_that_meets_a_call_of_other_money_is_shown_to_a_person(house: Parlour) -> None:
    await answered_and_called(house, 1000, called=900)

    assert [claim["approved"] for claim in house.rows("claim")] == [900]
    assert [(row["why"], row["amount"]) for row in house.rows("work_item")] == [("answer-differs", 100)]
    assert [(row["old"], row["new"]) for row in house.rows("change", field="claim.late-amount")] == [("900", "1000")]


async def test_an_answer_that_meets_a_call_of_the_same_money_is_one_word(house: Parlour) -> None:
    await answered_and_called(house, 1000, called=1000)

    assert [claim["approved"] for claim in house.rows("claim")] == [1000]
    assert house.rows("work_item") == []


async def test_a_call_that_can_not_be_kept_leaves_the_answer_in_force(
    house: Parlour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker relied on the call; the disk refused it; the insurer may never call again."""
    commit = house.room.store.commit

    async def refuses_calls(unit: Unit) -> None:
        if any(step.table == "vault" and str(step.values[0]).startswith("result:") for step in unit.steps):
            await asyncio.sleep(0.01)
            raise StoreFailed("full")
        await commit(unit)

    monkeypatch.setattr(house.room.store, "commit", refuses_calls)
    with pytest.raises(StoreFailed):
        await answered_and_called(house, 1000, called=900)
    await house.quiet()

    assert [claim["approved"] for claim in house.rows("claim")] == [1000]


async def test_a_worker_that_lost_its_bill_waits_for_nothing(house: Parlour, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is called then is not left to it, but compared with what stands."""
    house.insurer.answers["settle"] = [LOST]

    async def lost_the_bill(_: object) -> None:
        raise StaleWrite("bill")

    def answer_of_status() -> ActResult:
        monkeypatch.setattr(house.room.store, "commit", lost_the_bill)
        return ActResult(state="pending")

    house.insurer.answers["status"] = [answer_of_status]
    with pytest.raises(LianpeiError):
        await house.bring()

    assert len(house.engine.mailbox) == 0


async def test_an_answer_to_a_claim_that_a_person_has_is_taken_up_though_we_die_when_it_is_kept(
    house: Parlour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a bill has no alarm; the insurer was told that we have its word, or calls in the same bytes, which count once."""
    house.insurer.answers["settle"] = [LOST]
    house.insurer.answers["status"] = [ActResult(state="unknown")]
    bill = await house.bring()
    assert [claim["state"] for claim in house.rows("claim")] == ["manual"]
    monkeypatch.setattr(Engine, "resume", lambda engine, order_id: None)

    await house.told(bill, paid(900))
    monkeypatch.undo()
    again = parlour(house.room.path, house.insurer, house.room)
    for row in await Resolver(again.engine).due():
        await again.engine.look(row["order_id"])
    await again.quiet()

    assert [(claim["state"], claim["approved"]) for claim in house.rows("claim")] == [("decided", 900)]


async def test_a_collector_outlives_a_database_that_is_away() -> None:
    """A process one of whose tasks has ended is not ready any more, for good."""
    asked = 0

    async def away(*_: object, **__: object) -> None:
        nonlocal asked
        asked += 1
        raise StoreFailed("away")

    rule = SimpleNamespace(every="10ms")
    partner = SimpleNamespace(code="package", manifest=SimpleNamespace(collect=rule))
    ledger = SimpleNamespace(store=SimpleNamespace(read=away, find=None))
    callbacks = SimpleNamespace(engine=SimpleNamespace(ledger=ledger))
    work = asyncio.create_task(Collector(cast(Any, partner), cast(Any, callbacks)).run())
    await asyncio.sleep(0.2)

    assert asked > 1
    assert not work.done()
    work.cancel()


async def test_two_recoveries_of_one_answer_approved_in_the_same_moment_ask_the_patient_once(house: Parlour) -> None:
    """Two corrections, each with its two persons, here or at two gateways."""
    bill = await house.decided(1000)
    await house.told_late(bill, paid(900))
    ledger, (item,) = house.engine.ledger, house.rows("work_item")
    works = []
    for number in ("cor_1", "cor_2"):
        row = {"correction_id": number, "action": "recover", "approved": 100}
        works.append(ledger.work(bill.order_id))
        settle_item(ledger, row | {"order_id": bill.order_id, "claim_id": item["item_id"]}, works[-1])

    await works[0].flush()
    with pytest.raises(StaleWrite):
        await works[1].flush()

    assert [row["amount"] for row in house.rows("recovery")] == [100]
