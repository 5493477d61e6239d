"""Whoever waits for a milestone is woken when it is reached, or has waited long enough, and never again."""

import asyncio
import time

from gateway.claims.milestone import Milestone


async def test_all_who_wait_are_woken_at_once_when_it_is_reached() -> None:
    milestone = Milestone()
    waiting = [asyncio.create_task(milestone.wait(seconds)) for seconds in (60, None)]
    await asyncio.sleep(0)
    assert not milestone.reached
    milestone.set()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [True, True]


async def test_one_that_was_reached_makes_nobody_wait() -> None:
    milestone = Milestone()
    milestone.set()
    milestone.set()
    assert milestone.reached
    assert await asyncio.wait_for(milestone.wait(), 5)


async def test_patience_ends_and_others_go_on_waiting() -> None:
    milestone = Milestone()
    patient = asyncio.create_task(milestone.wait())
    began = time.monotonic()
    assert not await milestone.wait(0.05)
    assert time.monotonic() - began >= 0.04
    assert not patient.done()
    milestone.set()
    assert await patient


async def test_whoever_is_cancelled_leaves_the_others_waiting() -> None:
    milestone = Milestone()
    gone, patient = asyncio.create_task(milestone.wait(60)), asyncio.create_task(milestone.wait(60))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    milestone.set()
    assert gone.cancelled()
    assert await patient
