"""Counters that every bill moves, counted on the event loop and shown as Prometheus counters.

The library's own take a lock and five steps; here one thread counts, and the library only spells the result.
"""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from gateway.telemetry.label_values import closed


class Counts(Collector):
    """One counter over ``labels``; a value that is not ``known`` under its label is counted as ``other``."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...], known: Mapping[str, frozenset[str]]) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._sets = [known[label] for label in labels]
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *values: str) -> None:
        if values not in self._counts:
            values = closed(values, self._sets)
            self._counts.setdefault(values, 0)
        self._counts[values] += 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, count in list(self._counts.items()):
            family.add_metric(values, count)
        yield family
