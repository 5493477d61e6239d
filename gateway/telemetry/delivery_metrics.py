"""What webhooks and the feed tell Prometheus. No hospital is named: ``/admin/webhooks`` says which endpoint it is."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

ENDS = ("delivered", "failed", "given_up")


class DeliveryMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "lianpei_webhooks", "Attempts to bring a webhook, by end", ("outcome",), registry=registry
        )
        self._waiting = Gauge("lianpei_webhooks_waiting", "Events that receivers have not taken yet", registry=registry)
        self._oldest = Gauge("lianpei_webhooks_oldest_seconds", "Age of the oldest of them", registry=registry)
        self._given_up = Gauge("lianpei_webhooks_given_up", "Events given up, until re-sent", registry=registry)
        self._disabled = Gauge("lianpei_webhooks_disabled", "Endpoints disabled after failing long", registry=registry)
        for end in ENDS:
            self._attempts.labels(end)

    def attempt(self, end: str) -> None:
        self._attempts.labels(end if end in ENDS else "other").inc()

    def source(self, read: Callable[[], tuple[int, float, int, int]]) -> Callable[[], None]:
        """``read`` gives, when Prometheus asks: events waiting, seconds of the oldest, events given up, endpoints disabled."""

        def tell() -> None:
            gauges = (self._waiting, self._oldest, self._given_up, self._disabled)
            for gauge, figure in zip(gauges, read(), strict=True):
                gauge.set(figure)

        return tell
