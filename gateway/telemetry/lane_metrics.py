"""What Prometheus sees of the lanes: read when it asks, never kept up on a claim's way."""

from collections.abc import Collection, Mapping

from prometheus_client import CollectorRegistry, Gauge

WAYS = ("ask", "undo", "counter", "quick")
CAUSES = ("insurer-busy", "insurer-closed", "insurer-down", "insurer-asks-to-wait", "own-key-away")


class LaneMetrics:
    """``insurers`` are those of the configuration; any other is told as ``other``."""

    def __init__(self, registry: CollectorRegistry, insurers: Collection[str]) -> None:
        self._insurers = frozenset(insurers)
        place = ("insurer", "way")
        self._taken = Gauge("lianpei_lane_acts", "Acts under way at an insurer", place, registry=registry)
        self._waiting = Gauge("lianpei_lane_waiting", "Acts that wait for a place", place, registry=registry)
        self._away = Gauge(
            "lianpei_lane_turned_away", "Acts turned away since the start", ("insurer", "cause"), registry=registry
        )
        self._state = Gauge(
            "lianpei_lane_state",
            "0 open, 1 on trial, 2 nothing is sent, 3 closed hours",
            ("insurer",),
            registry=registry,
        )

    def tell(
        self, insurer: str, state: int, taken: Mapping[str, int], waiting: Mapping[str, int], away: Mapping[str, int]
    ) -> None:
        """``taken`` and ``waiting`` by way, ``away`` by cause."""
        name = insurer if insurer in self._insurers else "other"
        self._state.labels(name).set(state)
        for way in WAYS:
            self._taken.labels(name, way).set(taken[way])
            self._waiting.labels(name, way).set(waiting[way])
        for cause in CAUSES:
            self._away.labels(name, cause).set(away.get(cause, 0))
