"""The days until a weak algorithm's exception ends, by insurer and algorithm, under closed labels."""

import pytest
from prometheus_client import CollectorRegistry

from gateway.telemetry.label_values import WEAK_ALGORITHMS, LabelValues
from gateway.telemetry.metrics import Metrics
from gateway.wire.seals.weak import ALGORITHMS


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), LabelValues(insurers=("package",)), version="0.1.0")


def test_days_left_are_told_when_prometheus_asks(metrics: Metrics) -> None:
    days = {("package", "ECB"): 404.0}
    metrics.on_scrape(weak=lambda: days)
    assert b'lianpei_weak_crypto_days_left{algorithm="ECB",insurer="package"} 404.0' in metrics.render()[0]
    days["package", "ECB"] = -1.0
    assert b'lianpei_weak_crypto_days_left{algorithm="ECB",insurer="package"} -1.0' in metrics.render()[0]


def test_its_labels_are_closed(metrics: Metrics) -> None:
    metrics.on_scrape(weak=lambda: {("测试患者甲", "J06.900"): 1.0})
    text = metrics.render()[0].decode()
    assert 'lianpei_weak_crypto_days_left{algorithm="other",insurer="other"} 1.0' in text
    assert "J06" not in text


def test_the_metric_knows_every_weak_algorithm() -> None:
    assert set(WEAK_ALGORITHMS) == set(ALGORITHMS)
