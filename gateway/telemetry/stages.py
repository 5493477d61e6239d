"""Seconds per stage and insurer, counted on the event loop and shown as one Prometheus histogram.

Eight observations belong to every claim. The library's own children take a lock per bucket and per sum; here one thread
counts, and the library only spells the result when Prometheus asks.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Stage:
    """One child: how many observations ended in each bucket (upper bounds inclusive), and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them, the last one ``+Inf``."""
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        return list(zip(names, map(float, accumulate(self.counts)), strict=True))


class Stages(Collector):
    """A histogram with fixed label names; whoever calls ``at`` passes values of closed sets only."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...], bounds: tuple[float, ...]) -> None:
        self._name, self._text, self._labels, self._bounds = name, text, labels, bounds
        self._children: dict[tuple[str, ...], Stage] = {}

    def labels(self, *values: str) -> Stage:
        return self._children.setdefault(values, Stage(self._bounds))

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for values, stage in self._children.items():
            family.add_metric(values, stage.buckets(), stage.total)
        yield family
