"""What one hospital may take of the door: requests a second, bytes at once, bills under way. The others never notice it."""

import math
from collections.abc import Callable

import msgspec

from gateway.kernel.errors import TooOften


class HospitalLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    per_second: float = 500.0
    """Requests, submissions and questions alike, on average."""
    burst: int = 1000
    """Requests at once after a pause."""
    body_bytes: int = 16 * 1024 * 1024
    """The largest body: 10,000 fee lines fit into 16 MiB with room to spare. Four of that size may be under way."""
    open_bills: int = 1000
    """Bills that are being worked on: half of what the gateway takes, so that no one hospital fills it."""


class Pace:
    """A bucket of ``burst`` requests that fills at ``per_second``."""

    __slots__ = ("_at", "_clock", "_left", "_limits")

    def __init__(self, limits: HospitalLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._left = float(limits.burst)
        self._at = clock()

    def take(self) -> None:
        """One request. Raises ``TooOften`` with when to come back."""
        limits, now = self._limits, self._clock()
        self._left = min(float(limits.burst), self._left + (now - self._at) * limits.per_second)
        self._at = now
        if self._left < 1.0:
            wait = math.ceil((1.0 - self._left) / limits.per_second)
            raise TooOften(
                "more requests than agreed",
                retry_after_s=wait,
                hint="Wait as long as Retry-After says, then send the same request again.",
            )
        self._left -= 1.0
