"""Time as an argument: tests and the simulation turn this clock, the program never asks the system directly."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...

    def epoch_ms(self) -> int:
        """The instant in whole milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds for measuring and deadlines; never steps back."""
        ...


class SystemClock:
    """The system's own functions; a bill asks for the time some thirty times, and no layer lies between."""

    now = staticmethod(partial(datetime.now, UTC))
    monotonic = staticmethod(time.monotonic)

    def epoch_ms(self) -> int:
        return time.time_ns() // 1_000_000
