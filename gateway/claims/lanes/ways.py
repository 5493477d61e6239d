"""The ways through a lane, the most urgent first."""

from enum import IntEnum


class Way(IntEnum):
    ASK = 0
    """Enquiries and the fetching of results: they end what is unknown, and never move money."""
    UNDO = 1
    """Reversals: money that must come back."""
    COUNTER = 2
    """A patient waits."""
    QUICK = 3
    """Quick-claims and whatever comes after a decision: nobody waits for it at a counter."""


# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_WAY_QUICK = Way.QUICK
_WAY_COUNTER = Way.COUNTER


_BY_ROLE = {"status": Way.ASK, "collect": Way.ASK, "token": Way.ASK, "undo": Way.UNDO}
_LATER = frozenset({"after", "extra", "statement"})


def way_of(role: str, kind: str) -> Way:
    """The way of an act by its role in the manifest and the claim's kind (empty: of no claim)."""
    way = _BY_ROLE.get(role)
    if way is not None:
        return way
    return _WAY_QUICK if kind in ("quick_claim", "") or role in _LATER else _WAY_COUNTER
