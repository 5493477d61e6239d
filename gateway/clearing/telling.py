"""What the payment room has not taken yet, as its gauges show it."""

from gateway.kernel.settlements import State
from gateway.store.api import AnyStore
from gateway.telemetry.clearing_metrics import ClearingMetrics

_HERE = {"state": State.CREATED.value}


def tell_settlements(store: AnyStore, metrics: ClearingMetrics, now: int) -> None:
    """Asked when Prometheus asks, ``now`` in epoch ms: a settlement is created before the payment room hears of it."""
    found = store.tally("settlement", "state", _HERE, total="amount").get(State.CREATED.value)
    oldest = store.find("settlement", _HERE, order_by="updated_at", limit=1) if found else []
    age = (now - oldest[0]["updated_at"]) / 1000 if oldest else 0.0
    metrics.tell(found.count if found else 0, found.total if found else 0, max(0.0, age))
