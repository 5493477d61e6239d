"""A clock that a test turns by hand."""

from datetime import UTC, datetime


class TurnedByHand:
    def __init__(self, at: str = "2026-11-22T04:00:00+00:00") -> None:
        self._start = datetime.fromisoformat(at).timestamp()
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._start + self.passed, UTC)

    def epoch_ms(self) -> int:
        return int((self._start + self.passed) * 1000)

    def monotonic(self) -> float:
        return 1000.0 + self.passed
