"""The payment room's own metrics. Label values come from code only: kinds, results, routes and error codes."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.kernel.clock import Clock, SystemClock
from gateway.payment.model import OrderKind
from gateway.payment.schedule import end_of_next_day, millis
from gateway.payment.states import OPEN
from gateway.store.api import AnyStore

CONTENT_TYPE = CONTENT_TYPE_LATEST
_OPEN = ("in", [state.value for state in OPEN])


class Metrics:
    def __init__(
        self,
        store: AnyStore,
        certificates: Callable[[], Mapping[str, float]] = dict,
        clock: Clock = SystemClock(),  # noqa: B008 - it has no state
    ) -> None:
        self._store = store
        self._clock = clock
        self._certificates = certificates
        self.registry = CollectorRegistry()
        self._ended = self._counter("lianpei_payment_orders", "Orders that came to an end", ("kind", "result"))
        self._troubles = self._counter("lianpei_payment_troubles", "Steps that could not be done", ("code",))
        self._requests = self._counter("lianpei_payment_http_requests", "Requests answered", ("route", "status"))
        self._limits = self._counter(
            "lianpei_payment_limits", "Orders that a channel's rule or limit stopped", ("code",)
        )
        self._rebinds = self._counter("lianpei_payment_rebinds", "Payouts that got another account", ())
        self._orders = self._gauge("lianpei_payment_open_orders", "Orders not at their end", ("kind", "state"))
        self._amount = self._gauge(
            "lianpei_payment_open_amount_fen", "分 in orders not at their end", ("kind", "state")
        )
        self._late = self._gauge("lianpei_payment_payouts_late", "Payouts past T+1 and not paid", ())

        self._days = Gauge(
            "lianpei_certificate_days_left", "Days until a certificate ends", ("name",), registry=self.registry
        )

    def _counter(self, name: str, told: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def _gauge(self, name: str, told: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, told, labels, registry=self.registry)

    def limited(self, code: str) -> None:
        self._limits.labels(code).inc()

    def rebound(self) -> None:
        self._rebinds.inc()

    def ended(self, kind: str, result: str) -> None:
        self._ended.labels(kind, result).inc()

    def trouble(self, code: str) -> None:
        self._troubles.labels(code).inc()

    def request(self, route: str, status: int) -> None:
        self._requests.labels(route, str(status)).inc()

    def render(self) -> bytes:
        """The exposition, with what is open read from the store now."""
        for kind in OrderKind:
            open_now = self._store.tally("payment_order", "state", {"kind": kind.value, "state": _OPEN}, total="amount")
            for state in OPEN:
                found = open_now.get(state.value)
                self._orders.labels(kind.value, state.value).set(found.count if found else 0)
                self._amount.labels(kind.value, state.value).set(found.total if found else 0)
        # Due at the end of the day after the order was taken: late is what was taken before yesterday began.
        yesterday = millis(end_of_next_day(self._clock.now()) - timedelta(days=3))
        late = {"kind": OrderKind.PAYOUT.value, "state": _OPEN, "created_at": ("<", yesterday)}
        self._late.set(sum(found.count for found in self._store.tally("payment_order", "state", late).values()))
        for name, days in self._certificates().items():
            self._days.labels(name).set(days)
        return generate_latest(self.registry)
