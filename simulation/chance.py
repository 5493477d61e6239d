"""Everything that is random in a world comes from its seed; the gateway's own ids too."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from unittest.mock import patch

from gateway.claims.conversation import resolver
from gateway.claims.delivery import office
from gateway.claims.partners import dispatching
from gateway.kernel import ids
from gateway.payment import signing
from gateway.store import leases
from simulation.clockwork import START


def stream(seed: int, purpose: str) -> random.Random:
    """Numbers of one purpose: another one that asks more often does not shift them."""
    return random.Random(f"{seed}:{purpose}")


@contextmanager
def ids_from(seed: int, time: Callable[[], float]) -> Iterator[None]:
    """Ids, serial numbers and their times are the world's while this is open."""
    numbers = stream(seed, "ids")
    start = int(START.timestamp() * 1_000_000_000)
    told = SimpleNamespace(time_ns=lambda: start + int(time() * 1_000_000_000))
    random.seed(seed)
    with (
        patch.object(ids, "take", numbers.randbytes),
        patch.object(ids, "time", told),
        patch.object(ids, "_last_change", 0),
        patch.object(dispatching, "_serial", count(1)),
        patch.object(resolver, "_EVERY_S", 2.0),  # a world spends most of its time looking whether something is due
        patch.object(resolver, "_BEGIN_EVERY", 5),
        patch.object(resolver, "_PURGE_EVERY", 300),
        patch.object(leases, "_EVERY_S", 4.0),
        patch.object(office, "POLL_S", 3.0),
        patch.object(signing, "secrets", SimpleNamespace(token_urlsafe=lambda size: numbers.randbytes(size).hex())),
    ):
        yield
