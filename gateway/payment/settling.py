"""Since when nothing more of an order can have left, by the clock that never jumps: “not found” is not believed earlier."""

from gateway.kernel.clock import Clock

_MOST = 10_000


class Settling:
    """What an earlier process sent may have left just before it ended: this one waits from its first look."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def sent(self, settlement_id: str) -> None:
        """Its bytes are out, or may be."""
        if len(self._since) >= _MOST:  # whoever is forgotten waits anew
            del self._since[next(iter(self._since))]
        self._since[settlement_id] = self._clock.monotonic()

    def left_ms(self, settlement_id: str) -> int:
        """Milliseconds until whatever was sent must have arrived; 0 when they are over."""
        if settlement_id not in self._since:
            self.sent(settlement_id)
        passed = self._clock.monotonic() - self._since[settlement_id]
        return max(0, int((self._seconds - passed) * 1000))

    def forget(self, settlement_id: str) -> None:
        self._since.pop(settlement_id, None)
