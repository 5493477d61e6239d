"""Every way keeps places of its own, whoever else asks for them, and the insurer never sees more than it allows."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.claims.lanes.places import Places
from gateway.claims.lanes.rules import Limits
from gateway.claims.lanes.ways import Way

BOTH = frozenset({"direct_pay", "quick_claim"})


def filled(places: Places, way: Way) -> int:
    while places.fits(way):
        places.take(way)
    return places.taken[way]


def test_a_burst_of_quick_claims_leaves_the_counter_its_half_and_the_enquiries_theirs() -> None:
    places = Places(Limits(concurrency=32), BOTH)
    burst = filled(places, Way.QUICK)

    assert burst == 12
    assert [filled(places, way) for way in (Way.COUNTER, Way.UNDO, Way.ASK)] == [16, 2, 2]


def test_a_full_counter_leaves_the_quick_claims_and_the_enquiries_something() -> None:
    places = Places(Limits(concurrency=32), BOTH)

    assert filled(places, Way.COUNTER) == 26
    assert [filled(places, way) for way in (Way.QUICK, Way.UNDO, Way.ASK)] == [2, 2, 2]


def test_nothing_is_kept_for_a_kind_that_the_insurer_does_not_offer() -> None:
    places = Places(Limits(concurrency=32), frozenset({"quick_claim"}))

    assert filled(places, Way.QUICK) == 28


def test_the_counters_part_can_be_said() -> None:
    places = Places(Limits(concurrency=32, counter=24), BOTH)

    assert filled(places, Way.QUICK) == 4


def test_several_processes_have_one_part_each() -> None:
    alone, shared = Places(Limits(concurrency=32), BOTH), Places(Limits(concurrency=32), BOTH)
    shared.share(4)

    assert filled(alone, Way.ASK) == 12
    assert sum(filled(shared, way) for way in Way) == 8


_STEPS = st.lists(st.tuples(st.sampled_from(Way), st.booleans()), max_size=300)


@given(st.integers(1, 64), st.integers(0, 64), st.integers(1, 5), _STEPS)
def test_never_more_than_allowed_and_none_is_kept_out_of_its_own(
    size: int, counter: int, holders: int, steps: list[tuple[Way, bool]]
) -> None:
    places = Places(Limits(concurrency=size, counter=min(counter, size)), BOTH)
    places.share(holders)
    allowed = max(1, size // holders)
    kept = places._kept
    for way, comes in steps:
        if comes and places.fits(way):
            places.take(way)
        elif places.taken[way]:
            places.leave(way)
        assert sum(places.taken) <= allowed
        assert sum(kept) <= allowed
        for other in Way:
            if places.taken[other] < kept[other]:
                assert places.fits(other)
