"""Seconds per stage and insurer, counted on the event loop and shown as one Prometheus histogram.

Eight observations belong to every claim. The library's own children take a lock per bucket and per sum; here one thread
counts, and the library only spells the result when Prometheus asks.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway.telemetry.label_values import closed

_LABELS = ("stage", "insurer")


class Stage:
    """One child: how many observations ended in each bucket (upper bounds inclusive), and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them, the last one ``+Inf``."""
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        return list(zip(names, map(float, accumulate(self.counts)), strict=True))


class Stages(Collector):
    """A histogram over stage and insurer; a value that is not ``known`` under its label is counted as ``other``."""

    def __init__(self, name: str, text: str, known: Mapping[str, frozenset[str]], bounds: tuple[float, ...]) -> None:
        self._name, self._text, self._bounds = name, text, bounds
        self._sets = [known[label] for label in _LABELS]
        self._children: dict[tuple[str, ...], Stage] = {}

    def observe(self, stage: str, insurer: str, seconds: float) -> None:
        child = self._children.get((stage, insurer)) or self._closed(stage, insurer)
        child.counts[bisect_left(child.bounds, seconds)] += 1
        child.total += seconds

    def _closed(self, *values: str) -> Stage:
        return self._children.setdefault(closed(values, self._sets), Stage(self._bounds))

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._text, labels=_LABELS)
        for values, stage in list(self._children.items()):
            family.add_metric(values, stage.buckets(), stage.total)
        yield family
