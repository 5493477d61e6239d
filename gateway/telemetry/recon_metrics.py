"""What reconciliation tells Prometheus, per peer (insurer or channel) of the configuration."""

from collections.abc import Callable, Collection, Mapping

from prometheus_client import CollectorRegistry, Gauge

Figures = Mapping[str, tuple[int, int, int]]
"""Peer to: open differences, their amount in 分, books that were not compared."""


class ReconMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge(
            "lianpei_recon_open_differences", "Differences that nobody closed", ("insurer",), registry=registry
        )
        self._amount = Gauge("lianpei_recon_open_amount_fen", "Their amount in fen", ("insurer",), registry=registry)
        self._days = Gauge(
            "lianpei_recon_books_not_compared", "Locked books without a file", ("insurer",), registry=registry
        )

    def source(self, peers: Collection[str], read: Callable[[], Figures]) -> Callable[[], None]:
        """Every peer of ``peers`` is told, those with nothing too; any other counts as ``other``."""

        def tell() -> None:
            told = dict.fromkeys(peers, (0, 0, 0))
            for peer, figures in read().items():
                name = peer if peer in told else "other"
                before = told.get(name, (0, 0, 0))
                told[name] = (before[0] + figures[0], before[1] + figures[1], before[2] + figures[2])
            for peer, (count, amount, days) in told.items():
                self._open.labels(peer).set(count)
                self._amount.labels(peer).set(amount)
                self._days.labels(peer).set(days)

        return tell
