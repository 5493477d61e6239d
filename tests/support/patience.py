"""Waiting for what another task or process does."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(ask: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Ask until it is so. Raises ``TimeoutError``."""
    async with asyncio.timeout(seconds):
        while True:
            if await ask():
                return
            await asyncio.sleep(0.01)
