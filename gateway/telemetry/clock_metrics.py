"""How far somebody set the clock while we ran: the wall's time against the one that nobody sets."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.kernel.clock import Clock


class ClockMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._moved = Gauge(
            "lianpei_clock_moved_seconds", "How far the clock was set since the start", registry=registry
        )
        self._jumps = Counter(
            "lianpei_clock_jumps", "How often the clock was set by more than five seconds", registry=registry
        )

    def jumped(self) -> None:
        self._jumps.inc()

    def source(self, clock: Clock) -> Callable[[], None]:
        start = _ahead(clock)
        return lambda: self._moved.set(round(_ahead(clock) - start, 3))


def _ahead(clock: Clock) -> float:
    return clock.epoch_ms() / 1000 - clock.monotonic()
