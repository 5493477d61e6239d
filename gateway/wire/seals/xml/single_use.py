"""A bounded memory of what was accepted in the last minutes, for profiles whose partner's answers must not come twice."""

from collections import OrderedDict
from datetime import datetime, timedelta

from gateway.kernel.errors import SealRefused

ROOM = 100_000


class SingleUse:
    """Remembers each value for ``window``. It forgets at a restart: callbacks are also held by the durable nonce table."""

    def __init__(self, window: timedelta, room: int = ROOM) -> None:
        self._window = window
        self._room = room
        self._seen: OrderedDict[str, datetime] = OrderedDict()

    def take(self, value: str, now: datetime) -> None:
        """Accept ``value`` once. Raises ``SealRefused`` (seal-replay) for a repeat, and when there is no room left: a flood
        must not push a value out before its time.
        """
        while self._seen and next(iter(self._seen.values())) <= now:
            self._seen.popitem(last=False)
        if value in self._seen or len(self._seen) >= self._room:
            raise SealRefused(
                "this message was received before",
                code="seal-replay",
                hint="a message must be sealed anew to be sent again",
            )
        self._seen[value] = now + self._window
