"""What the payment room is told at its start; read once, never changed."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from gateway.kernel.secret import Secret
from gateway.payment.schedule import Schedule
from gateway.wire.doorlimits import DoorLimits


@dataclass(frozen=True, slots=True)
class ChannelPlace:
    """Where one channel is reached, and its mapping folder, such as ``mappings/payment/pay``, named as the channel."""

    endpoint: str
    mappings: Path
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class PaymentRoomSettings:
    """Times are seconds. The room has its own database, port and secret, and no key of the claims side."""

    database: Path
    host: str
    port: int
    """0 takes a free port; ``RunningPayment.ports`` tells which."""
    secret: Secret[str]
    """What clearing signs its requests with."""
    channel_endpoint: str
    mappings: Path
    """The channel's mapping folder, such as ``mappings/payment/pay``."""
    schemas: Path
    """``schemas/payment``: the channel's message schemas and ``allowlist.json``."""
    certificates: Callable[[], Mapping[str, float]] = dict
    """Days until each certificate of the room ends, by name: what its metrics show."""
    tls: ssl.SSLContext | None = None
    limits: DoorLimits = field(default_factory=DoorLimits)
    channel_tls: ssl.SSLContext | None = None
    channel: str = "pay"
    """The channel of an order that names none."""
    others: Mapping[str, ChannelPlace] = field(default_factory=dict)
    """Further channels by code."""
    schedule: Schedule = field(default_factory=Schedule)
    """The pay-later day."""
    return_watch: timedelta = timedelta(days=3)
    """How long a paid payout is asked about, since a bank may return it."""
    replay_window: float = 60.0
    channel_timeout: float = 8.0
    settling_time: float = 5.0
    """How long after a send the channel may still answer "not found" about it without being believed."""
    first_retry: float = 0.2
    longest_retry: float = 60.0
    poll: float = 0.2
    concurrency: int = 16
