"""Case A13 when a gateway dies or is outrun between a commit and its look: no word of an insurer about money is lost.

Two gateways on real PostgreSQL. Whoever has the bill next makes the comparison that was owed; a reply whose commit was
refused reaches it, with its bytes; and each difference is told once.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support.insurer_double import MANIFEST
from support.postgres import Server
from support.twonodes import TwoNodes, decides, die_after, hold_commit, keeps_a_result, two_nodes

from gateway.claims.canonical.dispatch import ActResult
from gateway.kernel.errors import Conflict
from gateway.store.errors import StaleWrite, StoreFailed
from gateway.store.unit import Unit

PAID_900 = ActResult(state="accepted", verdict="paid", approved=900)
PAID_1000 = ActResult(state="accepted", verdict="paid", approved=1000)
TAKEN = ActResult(state="pending")
LOST = ActResult(state="unknown")


@pytest.fixture
async def nodes(tmp_path: Path, postgres_server: Server) -> AsyncIterator[TwoNodes]:
    async with two_nodes(postgres_server, tmp_path, poll_every="100ms") as made:
        yield made


async def noted_once(nodes: TwoNodes, *, stands: int, told: int) -> None:
    approved, noted, listed = await nodes.settled()
    assert (approved, noted) == (stands, {(str(stands), str(told))})
    assert [(row["kind"], row["amount"]) for row in listed] == [("answer-differs", abs(told - stands))]
    assert [row["kind"] for row in await nodes.rows("event")].count("money-differs") == 1


async def nothing_differs(nodes: TwoNodes, *, stands: int) -> None:
    assert await nodes.settled() == (stands, set(), [])


async def replies_on_record(nodes: TwoNodes) -> int:
    """How often the reply's bytes are kept, sealed, under the settling act."""
    (act,) = [row for row in await nodes.rows("act") if row["name"] == "settle"]
    digest = hashlib.sha256(b"answer").hexdigest()
    return len(await nodes.rows("message", owner_id=act["act_id"], direction="in", digest=digest))


async def outrun(nodes: TwoNodes, reply: ActResult) -> None:
    """The first gateway stands still with the reply in its hand, the second takes the bill over, the first goes on."""
    nodes.insurer.answers["settle"] = [reply]
    held = hold_commit(nodes.first, decides)
    bill = asyncio.create_task(nodes.first.bring())
    await held.reached.wait()
    await nodes.take_over()
    held.go.set()
    with pytest.raises(StaleWrite):
        await bill


async def test_a13_who_dies_after_its_answer_is_kept_leaves_the_look_to_who_takes_the_bill_up(nodes: TwoNodes) -> None:
    """A call of other money was brought to the second gateway while the first one's enquiry was on its way to the disk."""
    nodes.insurer.answers["settle"] = [TAKEN]
    nodes.insurer.answers["status"] = [PAID_900]
    enquiry, dead = hold_commit(nodes.first, decides), die_after(nodes.first, decides)
    bill = nodes.bring()
    await enquiry.reached.wait()
    await nodes.called(PAID_1000)
    enquiry.go.set()
    await dead.wait()

    await nodes.take_over()

    bill.cancel()
    await noted_once(nodes, stands=900, told=1000)
    assert [row["look_at"] for row in await nodes.rows("bill")] == [None]


async def test_a13_a_gateway_that_dies_after_it_kept_a_call_leaves_the_look_to_the_bills_own(nodes: TwoNodes) -> None:
    """The enquiry's word was on the disk before the call's, and its gateway had looked by then."""
    nodes.insurer.answers["settle"] = [TAKEN]
    nodes.insurer.answers["status"] = [PAID_900]
    enquiry = hold_commit(nodes.first, decides)
    call, dead = hold_commit(nodes.second, keeps_a_result), die_after(nodes.second, keeps_a_result)
    bill = nodes.bring()
    await enquiry.reached.wait()
    called = asyncio.create_task(nodes.called(PAID_1000))
    await call.reached.wait()
    enquiry.go.set()
    await bill
    call.go.set()
    await dead.wait()
    called.cancel()
    nodes.second.room.store = nodes.first.room.store

    await nodes.round(nodes.first)

    await noted_once(nodes, stands=900, told=1000)


async def test_a13_the_look_is_made_once(nodes: TwoNodes) -> None:
    await test_a13_who_dies_after_its_answer_is_kept_leaves_the_look_to_who_takes_the_bill_up(nodes)
    (bill,) = await nodes.rows("bill")

    nodes.second.engine.resume(bill["order_id"])
    await nodes.second.quiet()

    await noted_once(nodes, stands=900, told=1000)


async def test_a13_an_outrun_reply_is_the_claims_word_when_its_new_gateway_has_none(nodes: TwoNodes) -> None:
    """Enquiries were used up there, and a person had it; nobody need look any more."""
    nodes.insurer.answers["status"] = [LOST]
    await outrun(nodes, PAID_900)
    (claim,) = await nodes.rows("claim")
    assert claim["state"] == "manual"

    await nodes.round(nodes.second)

    await nothing_differs(nodes, stands=900)
    assert await replies_on_record(nodes) == 1
    assert nodes.insurer.times("settle") == 1


@pytest.mark.parametrize("found", [PAID_900, PAID_1000])
async def test_a13_an_outrun_reply_meets_the_word_that_its_new_gateway_is_about_to_keep(
    nodes: TwoNodes, found: ActResult
) -> None:
    """Equal money is one word; other money is noted by who was last."""
    nodes.insurer.answers["settle"] = [PAID_900]
    nodes.insurer.answers["status"] = [found]
    reply, enquiry = hold_commit(nodes.first, decides), hold_commit(nodes.second, decides)
    bill = nodes.bring()
    await reply.reached.wait()
    taken_over = asyncio.create_task(nodes.take_over())
    await enquiry.reached.wait()
    reply.go.set()
    with pytest.raises(StaleWrite):
        await bill
    enquiry.go.set()
    await taken_over
    await nodes.round(nodes.second)

    if found is PAID_900:
        await nothing_differs(nodes, stands=900)
    else:
        await noted_once(nodes, stands=1000, told=900)
    assert await replies_on_record(nodes) == 1


async def test_a13_an_outrun_reply_of_other_money_is_noted_beside_a_word_that_stands_and_its_bytes_are_kept(
    nodes: TwoNodes,
) -> None:
    nodes.insurer.answers["status"] = [PAID_1000]
    await outrun(nodes, PAID_900)

    await noted_once(nodes, stands=1000, told=900)
    assert await replies_on_record(nodes) == 1


async def test_a13_an_outrun_reply_that_says_nothing_about_money_is_on_record(nodes: TwoNodes) -> None:
    nodes.insurer.answers["settle"] = [TAKEN]
    nodes.insurer.answers["status"] = [TAKEN]

    def takes_it(unit: Unit) -> bool:
        return any(step.table == "claim" and "accepted" in step.values for step in unit.steps)

    held = hold_commit(nodes.first, takes_it)
    bill = nodes.bring()
    await held.reached.wait()
    taken_over = asyncio.create_task(nodes.take_over())
    while [row["owner"] for row in await nodes.rows("bill")] != ["second"]:  # noqa: ASYNC110 -- rows send no event
        await asyncio.sleep(0.02)
    held.go.set()
    with pytest.raises(StaleWrite):
        await bill
    taken_over.cancel()

    assert await replies_on_record(nodes) == 1


async def test_a13_an_amount_that_is_told_again_is_noted_once(nodes: TwoNodes) -> None:
    """Under another number and in other bytes; a person who has seen it is not asked again."""
    nodes.insurer.answers["settle"] = [PAID_900]
    await nodes.bring()
    await nodes.called(PAID_1000, b"first")
    await nodes.called(PAID_1000, b"second")

    await noted_once(nodes, stands=900, told=1000)


async def test_a13_two_gateways_that_look_at_the_same_moment_tell_it_once(nodes: TwoNodes) -> None:
    """Both found nothing noted. One is told to come again, and finds it."""
    nodes.insurer.answers["settle"] = [PAID_900]
    await nodes.bring()

    def notes(unit: Unit) -> bool:
        return any(step.table == "change" and "money-differs" in step.values for step in unit.steps)

    slower = hold_commit(nodes.second, notes)
    called = asyncio.create_task(nodes.called(PAID_1000, b"slower"))
    await slower.reached.wait()
    await nodes.called(PAID_1000, b"faster", nodes.first)
    slower.go.set()
    with pytest.raises(Conflict) as busy:
        await called
    assert busy.value.error_code == "order-busy"
    await nodes.called(PAID_1000, b"slower")

    await noted_once(nodes, stands=900, told=1000)


async def brought_before(nodes: TwoNodes, ends: Callable[[Unit], bool], *, dies: bool) -> None:
    """A call of 1000 is kept at the second gateway while the first one's end of the claim is on its way to the disk."""
    end, kept = hold_commit(nodes.first, ends), asyncio.Event()
    dead = die_after(nodes.second, keeps_a_result) if dies else kept
    bill = nodes.bring()
    await end.reached.wait()
    called = asyncio.create_task(nodes.called(PAID_1000))
    if dies:
        await dead.wait()
        called.cancel()
        nodes.second.room.store = nodes.first.room.store
    else:
        await asyncio.sleep(0.3)
    end.go.set()
    await bill
    await nodes.first.quiet()
    await asyncio.wait({called})


def becomes(state: str) -> Callable[[Unit], bool]:
    return lambda unit: any(step.table == "claim" and state in step.values for step in unit.steps)


@pytest.mark.parametrize("dies", [False, True])
async def test_a13_a_call_that_meets_the_handing_over_to_a_person_is_the_claims_word(
    nodes: TwoNodes, dies: bool
) -> None:
    """Enquiries were used up; the call was kept in the same moment, and whoever kept it may be dead since."""
    nodes.insurer.answers["settle"] = ["lost"]
    nodes.insurer.answers["status"] = [LOST]

    await brought_before(nodes, becomes("manual"), dies=dies)

    await nothing_differs(nodes, stands=1000)


async def test_a13_money_told_of_a_claim_that_was_given_up_in_the_same_moment_is_taken_back(
    tmp_path: Path, postgres_server: Server
) -> None:
    """“Not found”, said the enquiry; a quick-claim follows. The gateway that kept the call is dead."""
    kinds = {"direct_pay": ["settle"], "quick_claim": ["step"]}
    acts = MANIFEST["acts"] | {"step": {"role": "step"}}
    async with two_nodes(postgres_server, tmp_path, kinds=kinds, acts=acts) as nodes:
        nodes.first.engine.counter.quick_claim = True

        def too_late() -> ActResult:
            nodes.first.room.clock.days = 1
            return ActResult(state="not_found")

        nodes.insurer.answers["settle"] = ["lost"]
        nodes.insurer.answers["status"] = [too_late]
        await brought_before(nodes, becomes("closed"), dies=True)

        (undo,) = await nodes.rows("undo")
        assert (undo["scope"], undo["amount"], undo["state"]) == ("counter", 1000, "done")
        assert nodes.insurer.times("cancel") == 1


async def test_a13_a_disk_that_fails_while_another_takes_the_bill_loses_no_word(nodes: TwoNodes) -> None:
    """The first gateway does not take back what is another's now, and gives it the reply that it could not keep."""
    nodes.insurer.answers["settle"] = [PAID_900]
    nodes.insurer.answers["status"] = [PAID_1000]
    store: Any = nodes.first.room.store
    commit = store.commit

    async def fails(unit: Unit) -> None:
        if decides(unit):
            store.commit = commit
            await nodes.take_over()
            nodes.first.room.clock.days = 1
            raise StoreFailed("the database went away")
        await commit(unit)

    store.commit = fails
    with pytest.raises(StoreFailed):
        await nodes.bring()

    await noted_once(nodes, stands=1000, told=900)
    assert await replies_on_record(nodes) == 1
    assert [row["owner"] for row in await nodes.rows("bill")] == ["second"]
