"""A hospital's webhook receiver that takes everything and keeps the bytes as they came off the wire."""

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
_TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Hook:
    """``came`` is whole requests, head and body, one behind the other."""

    came: bytearray = field(default_factory=bytearray)
    count: int = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                self.came += head + await reader.readexactly(int(length[1]) if length else 0)
                self.count += 1
                writer.write(_TAKEN)
        writer.transport.abort()


@contextlib.contextmanager
def hook_on(port: int, tls: ssl.SSLContext) -> Iterator[Hook]:
    """Listens on ``port`` of loopback, in a thread of its own."""
    hook, loop, started = Hook(), asyncio.new_event_loop(), threading.Event()
    over = asyncio.Event()

    async def serve() -> None:
        server = await asyncio.start_server(hook.take, "127.0.0.1", port, ssl=tls)
        started.set()
        await over.wait()
        server.close()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield hook
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()
