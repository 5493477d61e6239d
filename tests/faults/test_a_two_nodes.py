"""Case A13 at two gateways: one act's two answers of different money are committed in the same moment, on real PostgreSQL.

Whichever is first stands; the other is noted and on the work list, or its sender is told to come again and is compared then.
"""

import asyncio
from pathlib import Path

import pytest
from support.postgres import Server
from support.twonodes import HeldCommit, TwoNodes, decides, hold_commit, keeps_a_result, two_nodes

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation import callbacks
from gateway.kernel.errors import Conflict
from gateway.store.errors import StaleWrite

REPLY = ActResult(state="accepted", verdict="paid", approved=900)
CALL = ActResult(state="accepted", verdict="paid", approved=1000)
TAKEN = ActResult(state="pending")


async def compared(nodes: TwoNodes, *, stands: int) -> None:
    approved, noted, listed = await nodes.settled()

    assert approved == stands
    assert noted == {(str(stands), str(1900 - stands))}
    assert {(row["kind"], row["amount"]) for row in listed} == {("answer-differs", 100)}


async def commit_in_turn(nodes: TwoNodes, bill: "asyncio.Task[Bill]", held: dict[str, HeldCommit], first: str) -> None:
    """The insurer calls while the other word's commit is held; then ``first`` commits, or both, and the rest a moment later."""
    called = asyncio.create_task(nodes.called(CALL))
    await held["call"].reached.wait()
    for name, one in held.items():
        if first in (name, "both"):
            one.go.set()
    await asyncio.sleep(0.3)
    for one in held.values():
        one.go.set()
    await asyncio.gather(bill, called)


@pytest.mark.parametrize("first", ["reply", "call"])
async def test_a13_a_reply_and_a_call_at_another_gateway_at_once_are_compared(
    tmp_path: Path, postgres_server: Server, first: str
) -> None:
    """``first`` commits while the other's rows wait in its process."""
    async with two_nodes(postgres_server, tmp_path) as nodes:
        nodes.insurer.answers["settle"] = [REPLY]
        reply = hold_commit(nodes.first, decides)
        call = hold_commit(nodes.second, keeps_a_result)
        bill = nodes.bring()
        await reply.reached.wait()
        await commit_in_turn(nodes, bill, {"reply": reply, "call": call}, first)

        await compared(nodes, stands=900)


async def test_a13_a_call_is_not_acknowledged_before_it_could_be_compared(
    tmp_path: Path, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other gateway's commit takes longer than a call is held: the insurer is told to come again."""
    monkeypatch.setattr(callbacks, "_HOLD_S", 0.3)
    async with two_nodes(postgres_server, tmp_path) as nodes:
        nodes.insurer.answers["settle"] = [REPLY]
        reply = hold_commit(nodes.first, decides)
        bill = nodes.bring()
        await reply.reached.wait()
        for _ in range(2):
            with pytest.raises(Conflict) as busy:
                await nodes.called(CALL)
            assert busy.value.error_code == "order-busy"
        reply.go.set()
        await bill
        await nodes.called(CALL)

        await compared(nodes, stands=900)


@pytest.mark.parametrize("first", ["enquiry", "call", "both"])
async def test_a13_an_enquiry_and_a_call_at_another_gateway_at_once_are_compared(
    tmp_path: Path, postgres_server: Server, first: str
) -> None:
    """The act was taken; its answer is fetched by one gateway and brought to the other."""
    async with two_nodes(postgres_server, tmp_path, poll_every="100ms") as nodes:
        nodes.insurer.answers["settle"] = [TAKEN]
        nodes.insurer.answers["status"] = [REPLY]
        enquiry = hold_commit(nodes.first, decides)
        call = hold_commit(nodes.second, keeps_a_result)
        bill = nodes.bring()
        await enquiry.reached.wait()
        await commit_in_turn(nodes, bill, {"enquiry": enquiry, "call": call}, first)
        await nodes.round(nodes.first)

        await compared(nodes, stands=900)


async def test_a13_a_reply_that_was_outrun_by_an_enquiry_of_the_gateway_that_took_over_is_compared(
    tmp_path: Path, postgres_server: Server
) -> None:
    """The first gateway stood still with the reply in its hand for longer than it is waited for."""
    async with two_nodes(postgres_server, tmp_path) as nodes:
        nodes.insurer.answers["settle"] = [REPLY]
        nodes.insurer.answers["status"] = [CALL]
        reply = hold_commit(nodes.first, decides)
        bill = nodes.bring()
        await reply.reached.wait()
        await nodes.take_over()
        reply.go.set()
        with pytest.raises(StaleWrite):
            await bill

        await compared(nodes, stands=1000)
        assert nodes.insurer.times("settle") == 1
