"""Notices that this host's clock was set, for however short a time: an alarm that was taken from it may be hours away."""

from gateway.kernel.clock import Clock

_MORE_THAN_S = 5.0
"""A clock that is merely kept right moves by less."""


class ClockWatch:
    """Compares the clock with the monotonic one whenever an alarm is written, and at each look.

    A clock that was wrong between two looks and told no alarm did no harm.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._ahead = clock.epoch_ms() / 1000 - clock.monotonic()
        self._was_set = False

    def note(self, now: int) -> None:
        """An alarm is being written by a clock that says ``now`` (epoch ms)."""
        ahead = now / 1000 - self.clock.monotonic()
        if abs(ahead - self._ahead) > _MORE_THAN_S:
            self._was_set = True

    def was_set(self) -> bool:
        """Whether the clock was set since the last look, by more than five seconds."""
        now = self.clock.epoch_ms()
        self.note(now)
        self._ahead = now / 1000 - self.clock.monotonic()
        was_set, self._was_set = self._was_set, False
        return was_set
