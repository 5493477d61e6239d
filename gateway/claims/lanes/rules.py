"""The lane's part of ``insurer.yaml`` (reference: docs/mapping.md; for operators: docs/lanes.md)."""

from typing import Annotated, Literal

import msgspec

Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
Place = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base: an unknown key is a mistake."""


class Limits(Rules, frozen=True):
    """What the insurer allows of all our processes together. 0: not said."""

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 32
    """Acts under way at once."""
    counter: Place = 0
    """So many of them are kept free for direct-pay; 0: half of them."""
    waiting: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 64
    """Acts of one way that may wait for a place; one more is turned away at once."""
    per_second: Annotated[int, msgspec.Meta(ge=1)] = 1000
    per_minute: Annotated[int, msgspec.Meta(ge=0)] = 0
    wait: str = "3s"
    """How long a counter's act waits for a place before it is turned away."""
    burst: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Acts at once after a pause; 0: those of one second (of a minute's limit: of one tenth)."""


class BreakerRule(Rules, frozen=True):
    """When nothing more is sent because too much is lost, and how long it rests."""

    share: Percent = 50
    """Percent of the acts within ``within`` without a usable answer."""
    least: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 20
    """Fewer acts say nothing."""
    within: str = "30s"
    rest: str = "5s"
    """Until the first probe; doubled after each that fails."""
    most: str = "2m"
    """The longest rest, and the longest Retry-After that is obeyed."""


class Closure(Rules, frozen=True):
    """Hours in which the insurer is closed, in China's time: each week, each day, or once."""

    start: str = msgspec.field(name="from")
    """``02:00``, or once ``2026-10-01 00:00``."""
    to: str
    """As ``from``; a time of day before it is the next day's."""
    every: Literal["", "day", "mon", "tue", "wed", "thu", "fri", "sat", "sun"] = ""
