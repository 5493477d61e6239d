"""What one door grants in time and connections, so that no caller can hold more of it than a fair share."""

import msgspec


class DoorLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connections: int = 4000
    """Connections at once; one more is closed before its TLS handshake."""
    per_address: int = 1000
    """Of them from one address (IPv6: from one /64)."""
    idle_s: float = 30.0
    """From connecting or the last answer until the next request's head is whole."""
    body_s: float = 60.0
    """From the head until the last byte of the body."""
    answer_s: float = 30.0
    """How long a caller may leave an answer unread before the connection is cut."""
