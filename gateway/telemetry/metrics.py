"""What an operator's Prometheus sees: counts, seconds, 分 and days, under labels whose values are all known beforehand.

A label value that is not in its closed set becomes ``other``. So no label can hold personal data, whatever a caller
passes, and the number of series is bounded by the configuration and not by the traffic.
"""

import platform
from collections.abc import Callable, Collection, Mapping
from importlib import metadata

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from gateway.kernel.errors import LianpeiError
from gateway.telemetry.clearing_metrics import ClearingMetrics
from gateway.telemetry.clock_metrics import ClockMetrics
from gateway.telemetry.counts import Counts
from gateway.telemetry.delivery_metrics import DeliveryMetrics
from gateway.telemetry.families import Family
from gateway.telemetry.label_values import SECONDS, SHARES, LabelValues
from gateway.telemetry.lane_metrics import LaneMetrics
from gateway.telemetry.recon_metrics import ReconMetrics
from gateway.telemetry.stages import Stages


def _installed_version() -> str:
    try:
        return metadata.version("lianpei")
    except metadata.PackageNotFoundError:
        return "unpackaged"


class Metrics:
    """All metrics of one process, registered in ``registry`` once."""

    @classmethod
    def for_codes(cls, insurers: Collection[str]) -> "Metrics":
        """With a registry of its own, for these insurer codes."""
        return cls(CollectorRegistry(), LabelValues(insurers=insurers))

    def __init__(self, registry: CollectorRegistry, values: LabelValues, *, version: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's function has no annotations
        self._registry = registry
        self._known = values.by_name
        self._sources: list[Callable[[], None]] = []
        self.claim = self._counts("lianpei_claims", "Claims that reached an outcome", "insurer", "kind", "outcome").add
        self.stage = self._histogram("lianpei_stage_seconds", "Seconds that a stage of a claim took", SECONDS).observe
        """Seconds that ``stage`` took for ``insurer``."""
        self.budget_share = self._histogram(
            "lianpei_counter_share", "Part of a counter's time that a stage took", SHARES
        ).observe
        """``stage`` of a direct-pay claim (prepare, quote, settle) took such a share of the time that a counter waits."""
        self._unknown = self._gauge("lianpei_unknown_claims", "Claims whose outcome is not known", "insurer")
        self._late_payouts = self._gauge("lianpei_payouts_late", "Quick-claims not credited in time, by clock", "clock")
        self._at_risk = self._gauge("lianpei_unknown_amount_fen", "Their amount in fen: money at risk", "insurer")
        self._depth = self._gauge(
            "lianpei_lane_depth", "Claims that wait for their insurer, an enquiry or a person", "insurer", "kind"
        )
        self._depth_s = self._gauge(
            "lianpei_lane_oldest_seconds",
            "Age of the oldest claim that waits for its insurer's word",
            "insurer",
            "kind",
        )
        self._days = self._gauge("lianpei_certificate_days_left", "Days until a certificate ends", "name")
        self._http = self._counts("lianpei_http_requests", "Requests at our doors", "door", "route", "status")
        self._refused = self._counter("lianpei_refused", "Requests and messages refused, by error code", "code")
        self._weak = self._gauge("lianpei_weak_crypto", "1 while a weak algorithm is excepted for a partner", "insurer")
        self._weak_days = self._gauge(
            "lianpei_weak_crypto_days_left", "Days until a weak algorithm's exception ends", "insurer", "algorithm"
        )
        self._weak_envelopes = self._gauge(
            "lianpei_hospital_weak_crypto_days_left", "Days until a hospital's format may use a weak algorithm", "name"
        )
        self._turned_away = self._counter(
            "lianpei_connections_refused", "Connections not let in, or cut to make room", "door", "cause"
        )
        self._kept = self._gauge("lianpei_mappings_kept", "1 while newer mappings of a partner can't serve", "insurer")
        self._late = self._counter(
            "lianpei_answers_late", "Approvals of claims that were closed or reversed", "insurer"
        )
        self._differ = self._counter("lianpei_answers_differ", "Late answers with another amount than ours", "insurer")
        self._parked = self._gauge("lianpei_work_items", "What waits for a person", "insurer")
        self._parked_fen = self._gauge("lianpei_work_amount_fen", "Its amount in fen", "insurer")
        self._parked_s = self._gauge("lianpei_work_oldest_seconds", "How long the oldest of it has waited", "insurer")
        self._keys_kept = Gauge(
            "lianpei_keys_kept", "Changed keys that can't be used: the former serve", registry=registry
        )
        self._crl = self._gauge("lianpei_crl_days_left", "Days until a revocation list ends", "name")
        self._unsigned = Gauge("lianpei_audit_unsigned", "Audit entries under no signed checkpoint", registry=registry)
        self._unsigned_s = Gauge("lianpei_audit_unsigned_seconds", "Age of the oldest of them", registry=registry)
        self._ready = Gauge("lianpei_ready", "1 while the gateway takes bills", registry=registry)
        self.delivery = DeliveryMetrics(registry)
        self.recon = ReconMetrics(registry)
        self.clearing = ClearingMetrics(registry)
        self.lanes = LaneMetrics(registry, values.insurers)
        self.clock = ClockMetrics(registry)
        self._tell_build(version)

    def _counter(self, name: str, text: str, *labels: str) -> Family[Counter, Counter]:
        return Family(Counter(name, text, labels, registry=self._registry), labels, self._known)

    def _gauge(self, name: str, text: str, *labels: str) -> Family[Gauge, Gauge]:
        return Family(Gauge(name, text, labels, registry=self._registry), labels, self._known)

    def _counts(self, name: str, text: str, *labels: str) -> Counts:
        metric = Counts(name, text, labels, self._known)
        self._registry.register(metric)
        return metric

    def _histogram(self, name: str, text: str, bounds: tuple[float, ...]) -> Stages:
        metric = Stages(name, text, self._known, bounds)
        self._registry.register(metric)
        return metric

    def _tell_build(self, version: str) -> None:
        build = Gauge(
            "lianpei_build_info", "1, under the running version", ("version", "python"), registry=self._registry
        )
        build.labels(version or _installed_version(), platform.python_version()).set(1)

    def unknown(self, insurer: str, claims: int, amount_fen: int) -> None:
        """How many claims of this insurer have no known outcome now, and what they sum to."""
        self._unknown.at(insurer).set(claims)
        self._at_risk.at(insurer).set(amount_fen)

    def answer_late(self, insurer: str) -> None:
        self._late.at(insurer).inc()

    def answer_differs(self, insurer: str) -> None:
        self._differ.at(insurer).inc()

    def work_items(self, insurer: str, count: int, amount_fen: int, oldest_s: float) -> None:
        """What waits for a person now; ``insurer`` is empty for 医保 and cash."""
        self._parked.at(insurer).set(count)
        self._parked_fen.at(insurer).set(amount_fen)
        self._parked_s.at(insurer).set(oldest_s)

    def lane_depth(self, insurer: str, kind: str, depth: int, oldest_s: float) -> None:
        """Claims that wait, and the age of the oldest of those that wait for the insurer itself."""
        self._depth.at(insurer, kind).set(depth)
        self._depth_s.at(insurer, kind).set(oldest_s)

    def http(self, door: str, route: str, status: int) -> None:
        """``route`` is the route's template, never the path that was asked for."""
        self._http.add(door, route, str(status))

    def refused(self, code: str) -> None:
        self._refused.at(code).inc()

    def weak_crypto(self, insurer: str, excepted: bool) -> None:
        self._weak.at(insurer).set(int(excepted))

    def mappings_kept(self, insurer: str, kept: bool) -> None:
        """Whether a renewal failed, so that the older mappings still serve."""
        self._kept.at(insurer).set(int(kept))

    def turned_away(self, door: str, cause: str) -> None:
        """A connection was not let in, or had to make room."""
        self._turned_away.at(door, cause).inc()

    def keys_kept(self, count: int) -> None:
        """How many keys and users of keys serve with what they had, because what is on the disk now can't be used."""
        self._keys_kept.set(count)

    def on_scrape(
        self,
        unknown: Callable[[], Mapping[str, tuple[int, int]]] | None = None,
        certificates: Callable[[], Mapping[str, float]] | None = None,
        ready: Callable[[], bool] | None = None,
        weak: Callable[[], Mapping[tuple[str, str], float]] | None = None,
        late: Callable[[], Mapping[str, int]] | None = None,
        revocations: Callable[[], Mapping[str, float]] | None = None,
        unsigned: Callable[[], tuple[int, float]] | None = None,
        envelopes: Callable[[], Mapping[str, float]] | None = None,
    ) -> None:
        """Figures read when Prometheus asks: claims and 分 with no known outcome by insurer, days left by certificate, by
        insurer and weak algorithm, by a hospital's format that uses one, and by file of revocation lists, audit entries not
        signed yet with the age of the oldest in seconds.

        Each source names all of its configured partners or certificates, those with 0 too.
        """
        if unknown is not None:
            self._sources.append(lambda: self._tell_unknown(unknown()))
        if certificates is not None:
            self._sources.append(lambda: self._days.tell(certificates()))
        if ready is not None:
            self._sources.append(lambda: self._ready.set(int(ready())))

        if late is not None:
            self._sources.append(lambda: self._tell_late(late()))
        if revocations is not None:
            self._sources.append(lambda: self._crl.tell(revocations()))
        if unsigned is not None:
            self._sources.append(lambda: self._tell_unsigned(*unsigned()))
        if envelopes is not None:
            self._sources.append(lambda: self._weak_envelopes.tell(envelopes()))
        if weak is not None:
            self._sources.append(lambda: self._tell_weak(weak()))

    def _tell_late(self, figures: Mapping[str, int]) -> None:
        for clock, count in figures.items():
            self._late_payouts.at(clock).set(count)

    def also_on_scrape(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` when Prometheus asks: it reads figures and sets its own gauges."""
        self._sources.append(tell)

    def _tell_weak(self, figures: Mapping[tuple[str, str], float]) -> None:
        for (insurer, algorithm), days in figures.items():
            self._weak_days.at(insurer, algorithm).set(days)

    def _tell_unsigned(self, entries: int, age_s: float) -> None:
        self._unsigned.set(entries)
        self._unsigned_s.set(age_s)

    def _tell_unknown(self, figures: Mapping[str, tuple[int, int]]) -> None:
        for insurer, (claims, amount_fen) in figures.items():
            self.unknown(insurer, claims, amount_fen)

    def _read_sources(self) -> None:
        """A source that can't be read keeps its last figures; the others are still told."""
        for read in self._sources:
            try:
                read()
            except LianpeiError as wrong:
                self.refused(wrong.error_code)

    def render(self) -> tuple[bytes, dict[str, str]]:
        """The exposition and its headers. About 7 µs per series: not on the way of a claim."""
        self._read_sources()
        return generate_latest(self._registry), {"Content-Type": CONTENT_TYPE_LATEST}
