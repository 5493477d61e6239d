"""Stops sending to an insurer whose answers are mostly lost, and finds out by enquiries when it is back.

```
closed ──too much is lost──▶ open ──a probe is answered──▶ trial ──enough answers in a row──▶ closed
                              ▲                              │
                              └──────────one is lost─────────┘
```
Open, nothing that moves money leaves; enquiries do, one at a time, for they tell when the insurer is back. On trial
one act goes, then two, then four: whatever was kept must not fall upon an insurer that has just got up.
"""

from collections import deque
from enum import IntEnum

from gateway.claims.lanes.rules import BreakerRule
from gateway.kernel.spans import seconds


class Phase(IntEnum):
    CLOSED = 0
    """Everything goes."""
    TRIAL = 1
    OPEN = 2


# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_PHASE_CLOSED = Phase.CLOSED
_PHASE_OPEN = Phase.OPEN


class Breaker:
    """Times are seconds on one clock that never steps back."""

    def __init__(self, rule: BreakerRule) -> None:
        self.phase = _PHASE_CLOSED
        self._share, self._least = rule.share, rule.least
        self._within, self._first_rest, self._most = seconds(rule.within), seconds(rule.rest), seconds(rule.most)
        self._seen: deque[tuple[float, bool]] = deque()
        self._lost = 0
        self._rest = self._first_rest
        self.rests_until = 0.0
        """While open: when the next probe is due."""
        self.at_once = 1
        """On trial: so many acts of one way may be under way."""

    def saw(self, now: float, good: bool, probe: bool) -> bool:
        """An act was answered, or is lost. ``probe``: it was an enquiry. Returns whether the state changed."""
        if self.phase is _PHASE_CLOSED:
            return self._watch(now, good)
        if self.phase is _PHASE_OPEN:
            return probe and self._probed(now, good)
        return self._tried(now, good)

    def _watch(self, now: float, good: bool) -> bool:
        seen = self._seen
        seen.append((now, good))
        while seen[0][0] < now - self._within:
            self._lost -= not seen.popleft()[1]
        if good:
            return False
        self._lost += 1
        if len(seen) < self._least or self._lost * 100 < self._share * len(seen):
            return False
        self._open(now)
        return True

    def _probed(self, now: float, good: bool) -> bool:
        if good:
            self.phase, self.at_once = Phase.TRIAL, 1
            return True
        if now >= self.rests_until:
            self._open(now)
        return False

    def _tried(self, now: float, good: bool) -> bool:
        if not good:
            self._open(now)
            return True
        self.at_once *= 2
        if self.at_once <= self._least:
            return False
        self.phase, self._rest = _PHASE_CLOSED, self._first_rest
        return True

    def _open(self, now: float) -> None:
        """Each time that it opens without having closed in between, the rest is longer."""
        self.phase, self.rests_until, self.at_once = _PHASE_OPEN, now + self._rest, 1
        self._rest = min(self._most, self._rest * 2)
        self._seen.clear()
        self._lost = 0
