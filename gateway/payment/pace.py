"""How long to wait before asking or sending again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds."""

    first_retry: float
    longest_retry: float
    settling_time: float

    @property
    def longest(self) -> int:
        """Milliseconds that no wait exceeds."""
        return int(1000 * max(self.longest_retry, self.settling_time))

    def wait(self, attempts: int) -> int:
        """Milliseconds before the next attempt: doubling, with full jitter over the upper half."""
        most = min(self.longest_retry, self.first_retry * 2 ** min(attempts - 1, 20))
        return int(1000 * most * random.uniform(0.5, 1))
