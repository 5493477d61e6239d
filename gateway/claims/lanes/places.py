"""The places of a lane, and who has one. Every way keeps some for itself; what is left over is anybody's.

So a thousand quick-claims at midnight leave the counter its half, and a thousand settlements leave the enquiries theirs.
"""

from gateway.claims.lanes.rules import Limits
from gateway.claims.lanes.ways import Way

_NONE, _FEW = 4, 8
"""With fewer places than four none is kept for anybody, and all queue by urgency; with fewer than eight only enquiries and
the counter have some of their own."""


class Places:
    def __init__(self, limits: Limits, kinds: frozenset[str]) -> None:
        """``kinds``: what the insurer offers; nothing is kept for a kind that it does not."""
        self._limits, self._kinds = limits, kinds
        self.taken = [0] * len(Way)
        self._all = 0
        self._cap = 0
        """While the insurer is on trial: so many of each way at most. 0: no cap."""
        self.share(1)

    def share(self, holders: int) -> None:
        """Keep to one part of the insurer's places: ``holders`` processes have one each."""
        self._size = max(1, self._limits.concurrency // holders)
        self._kept = _kept(self._limits, self._kinds, self._size)
        self._plenty = self._size - sum(self._kept)
        """While fewer are taken in all, there is one for everybody."""

    def cap(self, most: int) -> None:
        self._cap = most

    def fits(self, way: Way) -> bool:
        if self._cap:
            return self.taken[way] < self._cap and self._all < self._size
        if self._all < self._plenty:
            return True
        owed = sum(kept - taken for kept, taken in zip(self._kept, self.taken, strict=True) if kept > taken)
        mine = max(0, self._kept[way] - self.taken[way])
        return self._size - self._all > owed - mine

    def take(self, way: Way) -> None:
        self.taken[way] += 1
        self._all += 1

    def leave(self, way: Way) -> None:
        self.taken[way] -= 1
        self._all -= 1


def _kept(limits: Limits, kinds: frozenset[str], size: int) -> list[int]:
    if size < _NONE:
        return [0] * len(Way)
    ask = max(1, size // 16)
    undo = ask if size >= _FEW else 0
    quick = undo if "quick_claim" in kinds else 0
    counter = min(limits.counter * size // limits.concurrency or size // 2, size - ask - undo - quick)
    return [ask, undo, counter if "direct_pay" in kinds else 0, quick]
