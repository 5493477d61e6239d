"""Lanes, and the claims that wait in them, as their gauges show them."""

from collections.abc import Iterable

from gateway.claims.conversation.states import HELD_UP, ClaimState
from gateway.claims.lanes.lane import Lane
from gateway.claims.lanes.ways import Way
from gateway.kernel.ids import id_time
from gateway.store.api import AnyStore
from gateway.telemetry.lane_metrics import LaneMetrics
from gateway.telemetry.metrics import Metrics

_FOR_THE_INSURER = [state.value for state in (*sorted(HELD_UP), ClaimState.ACCEPTED, ClaimState.UNKNOWN)]
"""Neither a person, nor the patient, nor the hospital can bring these on."""


def tell_lane(insurer: str, lane: Lane, metrics: LaneMetrics) -> None:
    taken = {way.name.lower(): lane.places.taken[way] for way in Way}
    waiting = {way.name.lower(): lane.waiting(way) for way in Way}
    metrics.tell(insurer, lane.state, taken, waiting, lane.turned_away)


def tell_waiting(store: AnyStore, metrics: Metrics, codes: Iterable[str], now: int) -> None:
    """How many claims wait, and since when the oldest has no word of its insurer; ``now`` in epoch ms."""
    for kind in ("direct_pay", "quick_claim"):
        depth = store.tally("waiting", "insurer", {"kind": kind})
        for code in codes:
            asked = {"insurer": code, "state": ("in", _FOR_THE_INSURER), "kind": kind}
            oldest = store.find("waiting", asked, limit=1) if code in depth else []  # ids sort by age
            age = (now - id_time(oldest[0]["claim_id"])) / 1000 if oldest else 0.0
            metrics.lane_depth(code, kind, depth[code].count if code in depth else 0, max(0.0, age))
