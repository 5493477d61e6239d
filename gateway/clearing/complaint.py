"""What the log hears of a payment room that gives no receipts: at once, and while it lasts less and less often."""

from gateway.kernel.clock import Clock
from gateway.kernel.errors import MessageRefused, NotSent, OutcomeUnknown
from gateway.telemetry.logs import get_logger

_FIRST_S, _LONGEST_S = 1.0, 300.0

_log = get_logger("lianpei.clearing")


class Complaint:
    """The window asks several times a second: a line for each failure would bury everything else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause = 0.0
        self._next = 0.0
        self._unsaid = 0

    def make(self, wrong: Exception) -> None:
        now = self._clock.monotonic()
        if self._pause and now < self._next:
            self._unsaid += 1
            return
        _log.failure(_told(wrong), wrong, count=self._unsaid + 1)
        self._pause = min(_LONGEST_S, 2 * self._pause or _FIRST_S)
        self._next, self._unsaid = now + self._pause, 0

    def over(self) -> None:
        if self._pause:
            _log.event("payment-room-answers-again")
            self._pause, self._unsaid = 0.0, 0


def _told(wrong: Exception) -> str:
    if isinstance(wrong, NotSent | OutcomeUnknown):
        return "payment-room-not-reachable"
    return "payment-room-refuses-us" if isinstance(wrong, MessageRefused) else "receipts-not-fetched"
