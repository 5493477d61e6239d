"""Stands between two of our processes and keeps the bytes that pass: TLS on both sides, plain in between."""

import asyncio
import contextlib
import ssl
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PIECE = 1 << 16


@dataclass
class Relay:
    """Listens on ``port`` of loopback and hands everything on to ``target``. Use as a context manager; runs in a thread."""

    port: int
    target: int
    server: ssl.SSLContext
    client: ssl.SSLContext
    outward: bytearray = field(default_factory=bytearray)
    """What callers sent."""
    inward: bytearray = field(default_factory=bytearray)
    """What they were answered."""
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run(started)), daemon=True)
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _run(self, started: threading.Event) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port, ssl=self.server)
        started.set()
        await self._stop.wait()
        server.close()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _pass_on(self, caller: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        onward = None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            back, onward = await asyncio.open_connection(
                "localhost", self.target, ssl=self.client, server_hostname="localhost"
            )
            await asyncio.gather(_copy(caller, onward, self.outward), _copy(back, answer, self.inward))
        for writer in (answer, onward):
            if writer is not None:
                writer.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, kept: bytearray) -> None:
    """Until the source ends; then the whole connection is over, because HTTP/1.1 has no use for half of one."""
    while piece := await source.read(_PIECE):
        kept += piece
        target.write(piece)
        await target.drain()
    raise ConnectionResetError
