"""Lanes as their gauges show them."""

from gateway.claims.lanes.lane import Lane
from gateway.claims.lanes.ways import Way
from gateway.telemetry.lane_metrics import LaneMetrics


def tell_lane(insurer: str, lane: Lane, metrics: LaneMetrics) -> None:
    taken = {way.name.lower(): lane.places.taken[way] for way in Way}
    waiting = {way.name.lower(): lane.waiting(way) for way in Way}
    metrics.tell(insurer, lane.state, taken, waiting, lane.turned_away)
