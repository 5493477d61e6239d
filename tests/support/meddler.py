"""The insurer ``package`` behind somebody who does one thing to the answers of one operation, and passes on the rest."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from support.doorstage import DoorStage
from support.middleman import Middleman

RESET = struct.pack("ii", 1, 0)


@dataclass
class Call:
    """One call in the meddler's hands; ``answer`` asks the insurer, who does the work."""

    head: bytes
    body: bytes
    writer: asyncio.StreamWriter
    answer: Callable[[], Awaitable[bytes]]

    async def tell(self, body: bytes, status: bytes = b"200 OK", *headers: bytes) -> None:
        lines = b"".join(header + b"\r\n" for header in headers)
        length = b"Content-Length: %d\r\nConnection: close\r\n" % len(body)
        self.writer.write(b"HTTP/1.1 " + status + b"\r\n" + lines + length + b"\r\n" + body)
        await self.writer.drain()

    def reset(self) -> None:
        """RST, not FIN: what was on its way is gone."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()


class Meddler(Middleman):
    """``deed`` is done to the first ``times`` calls of ``op``."""

    def __init__(self, stage: DoorStage, op: str, deed: Callable[[Call], Awaitable[None]], times: int = 1) -> None:
        super().__init__(stage)
        self._op, self._deed, self._times = op, deed, times
        self.meddled = 0

    async def behave(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await self._body(head, reader)
        if self._operation(body) != self._op or self.meddled >= self._times:
            call = Call(head, body, writer, lambda: self._ask(head, body))
            await call.tell(await call.answer())
            return
        self.meddled += 1
        await self._deed(Call(head, body, writer, lambda: self._ask(head, body)))

    def _operation(self, body: bytes) -> str:
        """Empty for what is not meant for the insurer: the payment room is called at the same port."""
        try:
            return super()._operation(body)
        except ValueError:
            return ""
