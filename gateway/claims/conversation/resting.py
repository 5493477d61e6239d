"""A bill at rest: what is done to it from outside waits until nobody works on it here."""

import asyncio

from gateway.claims.conversation.engine import Engine
from gateway.kernel.errors import UnderWay

_REST_S = 20.0


async def rest(engine: Engine, order_id: str) -> None:
    """Wait until nobody here works on this bill. Raises ``UnderWay``."""
    worker = engine.running.get(order_id)
    if worker is not None:
        await asyncio.wait({worker}, timeout=_REST_S)
    if order_id in engine.running:
        raise busy()


def busy() -> UnderWay:
    return UnderWay("the order is being worked on", hint="Look at it again and repeat the request.")
