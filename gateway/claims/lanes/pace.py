"""So many acts in a span and no more: the generic cell rate algorithm, one number of memory (ITU-T I.371)."""


class Pace:
    """``count`` acts in ``span`` seconds, ``burst`` of them at once after a pause. Times are seconds on one clock."""

    __slots__ = ("_burst", "_count", "_due", "_gap", "_slack", "_span")

    def __init__(self, count: float, span: float, burst: float) -> None:
        self._count, self._span, self._burst = count, span, max(1.0, burst)
        self._due = 0.0
        """When the next act would come if all came evenly."""
        self.share(1)

    def share(self, holders: int) -> None:
        """Keep to one part of it: ``holders`` processes have one each."""
        self._gap = self._span / self._count * holders
        self._slack = self._gap * (max(1.0, self._burst / holders) - 1.0)

    def wait(self, now: float) -> float:
        """Seconds until an act may go; 0 when it may go now."""
        return max(0.0, self._due - self._slack - now)

    def take(self, now: float) -> None:
        self._due = max(self._due, now) + self._gap
