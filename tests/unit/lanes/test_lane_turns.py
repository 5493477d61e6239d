"""Entering a lane: at once while there is room, by urgency and in order when there is none, and never for ever."""

import asyncio
import itertools

import pytest
from turned_clock import TurnedByHand

from gateway.claims.lanes.lane import Lane
from gateway.claims.lanes.rules import BreakerRule, Closure, Limits
from gateway.claims.lanes.ways import Way, way_of
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import NotNow

BOTH = frozenset({"direct_pay", "quick_claim"})
RULE = BreakerRule(least=4, rest="1s")


def lane(*closed: Closure, clock: TurnedByHand | SystemClock | None = None, **limits: object) -> Lane:
    made = Limits(**{"concurrency": 2, "waiting": 3, "wait": "50ms"} | limits)  # type: ignore[arg-type]
    return Lane(made, RULE, closed, BOTH, clock or SystemClock())


async def entered(one: Lane, way: Way, order: list[Way]) -> None:
    if not one.take(way):
        await one.wait(way)
    order.append(way)


@pytest.mark.parametrize(
    ("role", "kind", "way"),
    [
        ("status", "direct_pay", Way.ASK),
        ("undo", "direct_pay", Way.UNDO),
        ("settle", "direct_pay", Way.COUNTER),
        ("guarantee", "direct_pay", Way.COUNTER),
        ("after", "direct_pay", Way.QUICK),
        ("claim", "quick_claim", Way.QUICK),
        ("collect", "", Way.ASK),
        ("statement", "", Way.QUICK),
    ],
)
def test_an_acts_way_is_told_by_its_role_and_the_claims_kind(role: str, kind: str, way: Way) -> None:
    assert way_of(role, kind) is way


async def test_who_waits_goes_by_urgency_and_among_equals_in_order() -> None:
    one, order = lane(wait="5s"), list[Way]()
    assert one.take(Way.QUICK)
    assert one.take(Way.QUICK)
    ways = (Way.QUICK, Way.COUNTER, Way.UNDO, Way.ASK, Way.COUNTER)
    waiting = [asyncio.ensure_future(entered(one, way, order)) for way in ways]
    await asyncio.sleep(0)
    for _ in ways:
        one.leave(Way.QUICK, None)
        await asyncio.sleep(0.001)
    await asyncio.gather(*waiting)

    assert order == [Way.ASK, Way.UNDO, Way.COUNTER, Way.COUNTER, Way.QUICK]


async def test_a_counter_is_told_within_its_patience_and_leaves_no_trace() -> None:
    one = lane()
    assert one.take(Way.COUNTER)
    assert one.take(Way.COUNTER)
    with pytest.raises(NotNow) as busy:
        await one.wait(Way.COUNTER)
    one.leave(Way.COUNTER, None)

    assert busy.value.error_code == "insurer-busy"
    assert (one.waiting(Way.COUNTER), one.places.taken[Way.COUNTER]) == (0, 1)
    assert one.take(Way.COUNTER)


async def test_one_more_than_may_wait_is_turned_away_at_once() -> None:
    one, order = lane(wait="5s"), list[Way]()
    assert one.take(Way.COUNTER)
    assert one.take(Way.COUNTER)
    waiting = [asyncio.ensure_future(entered(one, Way.COUNTER, order)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(NotNow):
        one.require_open(Way.COUNTER)
    one.require_open(Way.ASK)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert one.waiting(Way.COUNTER) == 0
    assert one.turned_away == {"insurer-busy": 1}


async def test_the_insurers_rate_is_kept_and_a_pause_gives_its_burst_back() -> None:
    one, order = lane(concurrency=100, waiting=100, per_second=20, burst=2, wait="5s"), list[Way]()
    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(entered(one, Way.COUNTER, order) for _ in range(8)))
    took = asyncio.get_running_loop().time() - started

    assert 0.28 <= took <= 0.6  # two at once, then six at 20 a second


def test_times_to_come_again_lie_apart_and_after_the_opening() -> None:
    clock = TurnedByHand("2026-11-22T02:30:00+08:00")
    one = lane(Closure("02:00", "04:00", "sun"), clock=clock, concurrency=10, per_second=10)
    opens = clock.epoch_ms() + 90 * 60_000
    times = []
    for _ in range(50):
        with pytest.raises(NotNow) as closed:
            one.require_open(Way.QUICK)
        times.append(closed.value.again_at)

    assert {closed.value.error_code, closed.value.opens_at} == {"insurer-closed", opens}
    assert times[0] == opens
    assert {round(later - sooner) for sooner, later in itertools.pairwise(times)} == {200}


def test_two_processes_hand_out_times_twice_as_far_apart() -> None:
    clock = TurnedByHand("2026-11-22T02:30:00+08:00")
    one = lane(Closure("02:00", "04:00", "sun"), clock=clock, concurrency=10, per_second=10)
    one.share(2)
    with pytest.raises(NotNow) as first:
        one.require_open(Way.QUICK)
    with pytest.raises(NotNow) as second:
        one.require_open(Way.QUICK)

    assert second.value.again_at - first.value.again_at == 400


async def test_while_it_is_broken_only_one_enquiry_at_a_time_leaves_and_who_waited_is_told() -> None:
    one = lane(wait="5s", concurrency=4)
    for way in (Way.COUNTER, Way.COUNTER, Way.COUNTER, Way.ASK):
        assert one.take(way)
    waiting = [asyncio.ensure_future(one.wait(way)) for way in (*[Way.COUNTER] * 3, Way.QUICK)]
    await asyncio.sleep(0)
    for way in (Way.COUNTER, Way.COUNTER, Way.COUNTER, Way.ASK):
        one.leave(way, False, "clm_1")
    told = await asyncio.gather(*waiting, return_exceptions=True)
    for way in (Way.UNDO, Way.COUNTER, Way.QUICK):
        with pytest.raises(NotNow) as down:
            one.require_open(way)
    one.require_open(Way.ASK)
    assert one.take(Way.ASK)
    with pytest.raises(NotNow):
        one.require_open(Way.ASK)
    one.leave(Way.ASK, True)

    assert [type(one) for one in told] == [type(None)] * 3 + [NotNow]
    assert (down.value.error_code, one.last_lost) == ("insurer-down", "clm_1")
    assert not one.take(Way.COUNTER), "on trial one goes at a time"
    for _ in range(3):
        one.leave(Way.COUNTER, True)
    assert one.take(Way.COUNTER)
