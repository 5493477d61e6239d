"""The payment room's own metrics. Label values come from code only: kinds, results, routes and error codes."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.payment.ledger import State
from gateway.store.api import AnyStore

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    def __init__(self, store: AnyStore, certificates: Callable[[], Mapping[str, float]] = dict) -> None:
        self._store = store
        self._certificates = certificates
        self.registry = CollectorRegistry()
        self._ended = self._counter("lianpei_payment_orders", "Orders that came to an end", ("kind", "result"))
        self._troubles = self._counter("lianpei_payment_troubles", "Steps that could not be done", ("code",))
        self._requests = self._counter("lianpei_payment_http_requests", "Requests answered", ("route", "status"))
        self._orders = Gauge(
            "lianpei_payment_open_orders", "Orders not at their end", ("state",), registry=self.registry
        )
        self._amount = Gauge(
            "lianpei_payment_open_amount_fen", "分 in orders not at their end", ("state",), registry=self.registry
        )

        self._days = Gauge(
            "lianpei_certificate_days_left", "Days until a certificate ends", ("name",), registry=self.registry
        )

    def _counter(self, name: str, told: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def ended(self, kind: str, result: str) -> None:
        self._ended.labels(kind, result).inc()

    def trouble(self, code: str) -> None:
        self._troubles.labels(code).inc()

    def request(self, route: str, status: int) -> None:
        self._requests.labels(route, str(status)).inc()

    def render(self) -> bytes:
        """The exposition, with what is open read from the store now."""
        open_now = self._store.tally("payment_order", "state", {}, total="amount")
        for state in (State.ACCEPTED, State.SENDING, State.UNKNOWN, State.PENDING, State.DISPUTED):
            found = open_now.get(state.value)
            self._orders.labels(state.value).set(found.count if found else 0)
            self._amount.labels(state.value).set(found.total if found else 0)
        for name, days in self._certificates().items():
            self._days.labels(name).set(days)
        return generate_latest(self.registry)
