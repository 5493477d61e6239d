"""Reads bodies into a bounded room: so large, so long, and so many bytes at once for one sender and for all together."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from gateway.kernel.errors import Busy, TooMuch, TooSlow

ROOM = 512 * 1024 * 1024
"""Bytes of all bodies that may be in memory at once at one door, from their first byte until their answer."""
_AT_ONCE = 4
"""So many bodies of the largest size one sender may have in memory."""


class Bodies:
    """``seconds`` is how long a body may take from its head to its last byte."""

    def __init__(self, seconds: float, room: int = ROOM) -> None:
        self._seconds = seconds
        self._room = room
        self._held: Counter[str] = Counter()
        self._all = 0

    @asynccontextmanager
    async def body_of(self, request: web.Request, sender: str, most: int) -> AsyncIterator[bytes]:
        """The body, at most ``most`` bytes. Its room is given back at the end.

        Raises ``TooMuch`` (also before reading, when it says so itself), ``TooSlow`` or ``Busy``.
        """
        if (request.content_length or 0) > most:
            raise _too_large()
        share = _Share(sender)
        try:
            yield await self._read(request, share, most)
        finally:
            self._give_back(share)

    async def _read(self, request: web.Request, share: "_Share", most: int) -> bytes:
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._seconds):
                while part := await request.content.readany():
                    self._take(share, len(part), most)
                    parts.append(part)
        except TimeoutError:
            hint = "Send it in one go; see limits in docs/settings.md."
            raise TooSlow("the body did not come in time", hint=hint) from None
        return b"".join(parts)

    def _take(self, share: "_Share", size: int, most: int) -> None:
        if share.size + size > most:
            raise _too_large()
        if self._held[share.sender] + size > _AT_ONCE * most or self._all + size > self._room:
            raise Busy("too many large bodies at once", hint="Send the same request again after a second.")
        share.size += size
        self._held[share.sender] += size
        self._all += size

    def _give_back(self, share: "_Share") -> None:
        self._all -= share.size
        self._held[share.sender] -= share.size
        if not self._held[share.sender]:
            del self._held[share.sender]


@dataclass(slots=True)
class _Share:
    """What one body holds of the room."""

    sender: str
    size: int = 0


def _too_large() -> TooMuch:
    return TooMuch("the body is too large", code="body-too-large", hint="Split the bill, or ask for a larger limit.")
