"""What an insurer allows is shared evenly by the processes that live.

A process that joins is noticed within ``_EVERY_S`` by every other; one that dies keeps its part until its lease runs out.
So for a moment after a join there may be more than allowed, by the newcomer's part and no more.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

from gateway.claims.lanes.lane import Lane
from gateway.kernel.errors import LianpeiError
from gateway.store.api import Read

_EVERY_S = 2.0


async def share_evenly(lanes: Collection[Lane], read: Read, living: Callable[[], int]) -> None:
    """For ever. While the database is away everybody keeps the part that it has."""
    while True:
        with suppress(LianpeiError):
            holders = await read(living)
            for lane in lanes:
                lane.share(holders)
        await asyncio.sleep(_EVERY_S)
