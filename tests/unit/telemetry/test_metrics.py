"""Metrics: the promised names, closed labels, and a number of series that traffic can't grow."""

import uuid

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from gateway.kernel.errors import Busy
from gateway.telemetry.label_values import LABELS, STAGES, LabelValues
from gateway.telemetry.metrics import Metrics

PROMISED = {
    "lianpei_claims_total",
    "lianpei_stage_seconds_bucket",
    "lianpei_unknown_claims",
    "lianpei_unknown_amount_fen",
    "lianpei_lane_depth",
    "lianpei_certificate_days_left",
    "lianpei_http_requests_total",
    "lianpei_refused_total",
    "lianpei_weak_crypto",
    "lianpei_build_info",
}


@pytest.fixture
def metrics() -> Metrics:
    values = LabelValues(
        insurers=("pingan", "huaxia", "taikang"),
        codes=("bad-money", "busy"),
    )
    return Metrics(CollectorRegistry(), values, version="0.1.0")


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.render()[0].decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(metrics: Metrics, name: str, /, **labels: str) -> float:
    return samples(metrics)[name, frozenset(labels.items())]


def record_everything(metrics: Metrics, text: str) -> None:
    metrics.claim(text, text, text)
    metrics.stage(text, text, 0.5)
    metrics.unknown(text, 3, 12345)
    metrics.lane_depth(text, text, 4, 1.5)
    metrics.http(text, text, 200)
    metrics.refused(text)
    metrics.weak_crypto(text, True)


def test_each_metric_tells_what_it_was_told(metrics: Metrics) -> None:
    metrics.claim("pingan", "direct_pay", "paid")
    metrics.claim("pingan", "direct_pay", "paid")
    metrics.stage("seal", "huaxia", 0.02)
    metrics.unknown("taikang", 2, 123456)
    metrics.http("hospital", "/v1/claims", 202)
    metrics.weak_crypto("huaxia", True)
    metrics.on_scrape(certificates=lambda: {"pingan-sign": 12.5})
    claims = {"insurer": "pingan", "kind": "direct_pay", "outcome": "paid"}
    assert value(metrics, "lianpei_claims_total", **claims) == 2
    assert value(metrics, "lianpei_stage_seconds_bucket", stage="seal", insurer="huaxia", le="0.01") == 0
    assert value(metrics, "lianpei_stage_seconds_bucket", stage="seal", insurer="huaxia", le="0.03") == 1
    assert value(metrics, "lianpei_unknown_claims", insurer="taikang") == 2
    assert value(metrics, "lianpei_unknown_amount_fen", insurer="taikang") == 123456
    assert value(metrics, "lianpei_http_requests_total", door="hospital", route="/v1/claims", status="202") == 1
    assert value(metrics, "lianpei_weak_crypto", insurer="huaxia") == 1
    assert value(metrics, "lianpei_certificate_days_left", name="pingan-sign") == 12.5


def test_every_promised_metric_is_there_and_every_label_is_on_the_list(metrics: Metrics) -> None:
    record_everything(metrics, "pingan")
    metrics.on_scrape(certificates=lambda: {"pingan-sign": 12.5})
    found = samples(metrics)
    assert {name for name, _ in found} >= PROMISED
    assert {label for _, labels in found for label, _ in labels} <= LABELS


@pytest.mark.parametrize(
    "personal", ["张三", "110101199003078515", "13800138000", "E12345678", "/v1/claims/ord_1", "C34.9"]
)
def test_a_label_can_hold_nothing_personal_whatever_is_passed(metrics: Metrics, personal: str) -> None:
    record_everything(metrics, personal)
    assert personal.encode() not in metrics.render()[0]
    assert value(metrics, "lianpei_claims_total", insurer="other", kind="other", outcome="other") == 1
    assert value(metrics, "lianpei_refused_total", code="other") == 1


def test_figures_read_at_the_scrape_are_those_of_the_moment(metrics: Metrics) -> None:
    figures = {"pingan": (1, 100)}
    metrics.on_scrape(unknown=lambda: figures)
    assert value(metrics, "lianpei_unknown_amount_fen", insurer="pingan") == 100
    figures["pingan"] = (0, 0)
    assert value(metrics, "lianpei_unknown_amount_fen", insurer="pingan") == 0


def test_a_source_that_fails_is_counted_and_does_not_hide_the_other_figures(metrics: Metrics) -> None:
    def fails() -> dict[str, tuple[int, int]]:
        raise Busy("the database is away")

    metrics.on_scrape(unknown=fails, certificates=lambda: {"pingan-sign": 3.0})
    assert value(metrics, "lianpei_certificate_days_left", name="pingan-sign") == 3
    assert value(metrics, "lianpei_refused_total", code="busy") >= 1


def test_the_usual_metrics_know_every_error_code_of_the_house() -> None:
    metrics = Metrics.for_codes(["pingan"])
    metrics.refused("bad-money")
    metrics.refused("seal-refused")
    assert value(metrics, "lianpei_refused_total", code="bad-money") == 1
    assert value(metrics, "lianpei_refused_total", code="seal-refused") == 1


def test_an_odd_http_status_becomes_other(metrics: Metrics) -> None:
    metrics.http("hospital", "/v1/claims", 418)
    assert value(metrics, "lianpei_http_requests_total", door="hospital", route="/v1/claims", status="other") == 1


def test_traffic_cannot_grow_the_number_of_series(metrics: Metrics) -> None:
    """F4 of the fault list: a hundred thousand values that nobody configured."""
    for stage in STAGES:
        for insurer in ("pingan", "huaxia", "taikang"):
            metrics.stage(stage, insurer, 0.1)
    record_everything(metrics, "warm")
    before = len(samples(metrics))
    for _ in range(12_500):
        record_everything(metrics, uuid.uuid4().hex)
    assert len(samples(metrics)) == before < 2000


def test_rendering_gives_headers_that_a_scraper_understands(metrics: Metrics) -> None:
    body, headers = metrics.render()
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert body.endswith(b"\n")


def test_two_sets_of_metrics_do_not_share_anything(metrics: Metrics) -> None:
    other = Metrics(CollectorRegistry(), LabelValues(insurers=("pingan",)), version="0.1.0")
    metrics.refused("busy")
    assert not any(name == "lianpei_refused_total" for name, _ in samples(other))
