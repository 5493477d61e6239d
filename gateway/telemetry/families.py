"""One metric with its labels: only values of closed sets are ever kept."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from prometheus_client import Counter, Gauge

from gateway.telemetry.label_values import closed

_Metric = TypeVar("_Metric", Counter, Gauge)
_Child = TypeVar("_Child", Counter, Gauge)


class Family(Generic[_Metric, _Child]):
    """One metric and its children, found by one dict look-up. Only closed label values are ever kept."""

    def __init__(self, metric: _Metric, labels: tuple[str, ...], known: Mapping[str, frozenset[str]]) -> None:
        self._metric: _Metric = metric
        self._sets = [known[name] for name in labels]
        self._children: dict[tuple[str, ...], _Child] = {}

    def at(self, *values: str) -> _Child:
        child = self._children.get(values)
        return child if child is not None else self._closed(values)

    def tell(self, figures: Mapping[str, float]) -> None:
        """Figures of a one-label gauge by values that come from the configuration itself: known from now on."""
        self._sets[0] = self._sets[0].union(figures)
        for value, figure in figures.items():
            child = self.at(value)
            if isinstance(child, Gauge):
                child.set(figure)

    def _closed(self, values: tuple[str, ...]) -> _Child:
        kept = closed(values, self._sets)
        child = self._children.get(kept)
        if child is None:
            made: Any = self._metric.labels(*kept)  # the child's type belongs to the metric's
            child = self._children[kept] = made
        return child
