"""What the window tells Prometheus: money that is decided and that the payment room has not taken yet."""

from prometheus_client import CollectorRegistry, Gauge


class ClearingMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Gauge(
            "lianpei_settlements_waiting", "Settlements that the payment room has not taken yet", registry=registry
        )
        self._amount = Gauge("lianpei_settlements_waiting_amount_fen", "Their amount in fen", registry=registry)
        self._oldest = Gauge(
            "lianpei_settlements_waiting_oldest_seconds", "Age of the oldest of them", registry=registry
        )

    def tell(self, count: int, amount_fen: int, oldest_s: float) -> None:
        self._count.set(count)
        self._amount.set(amount_fen)
        self._oldest.set(oldest_s)
