"""Reads bodies into a bounded room: so large, so long, and so many bytes at once for one sender and for all together."""

import asyncio
from types import TracebackType
from typing import Self

from aiohttp import web

from gateway.kernel.errors import Busy, TooMuch, TooSlow

ROOM = 512 * 1024 * 1024
"""Bytes of all bodies that may be in memory at once at one door, from their first byte until their answer."""
_AT_ONCE = 4
"""So many bodies of the largest size one sender may have in memory."""


class Bodies:
    """``seconds`` is how long a body may take from its head to its last byte."""

    def __init__(self, seconds: float, room: int = ROOM) -> None:
        self.seconds = seconds
        self.left = room
        """Bytes that may still come."""
        self.held: dict[str, int] = {}
        """Bytes by sender."""


class Room:
    """What one body of ``sender``, at most ``most`` bytes, holds of the room; given back at the end."""

    __slots__ = ("_bodies", "_most", "_sender", "_size")

    def __init__(self, bodies: Bodies, sender: str, most: int) -> None:
        self._bodies, self._sender, self._most, self._size = bodies, sender, most, 0

    def __enter__(self) -> Self:
        return self

    async def read(self, request: web.Request) -> bytes:
        """The body. Raises ``TooMuch`` (also before reading, when it says so itself), ``TooSlow`` or ``Busy``."""
        content, parts = request.content, []
        if content.is_eof():  # it came with its head
            return self._taken(content.read_nowait())
        if (request.content_length or 0) > self._most:
            raise _too_large()
        try:
            async with asyncio.timeout(self._bodies.seconds):
                while part := await content.readany():
                    parts.append(self._taken(part))
        except TimeoutError:
            hint = "Send it in one go; see limits in docs/settings.md."
            raise TooSlow("the body did not come in time", hint=hint) from None
        return b"".join(parts)

    def _taken(self, part: bytes) -> bytes:
        bodies, size = self._bodies, len(part)
        held = bodies.held.get(self._sender, 0) + size
        if self._size + size > self._most:
            raise _too_large()
        if held > _AT_ONCE * self._most or size > bodies.left:
            raise Busy("too many large bodies at once", hint="Send the same request again after a second.")
        self._size += size
        bodies.held[self._sender] = held
        bodies.left -= size
        return part

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        bodies = self._bodies
        bodies.left += self._size
        left = bodies.held.get(self._sender, 0) - self._size
        if left:
            bodies.held[self._sender] = left
        else:
            bodies.held.pop(self._sender, None)


def _too_large() -> TooMuch:
    return TooMuch("the body is too large", code="body-too-large", hint="Split the bill, or ask for a larger limit.")
