"""A bad network of the test's own, for netem is not on every machine: a TCP relay that delays, cuts and goes half open.

TCP itself repeats a lost segment, so what a caller sees of loss is time; what it sees of a lost route is a connection that
is reset, or one on which nothing ever comes again. Both are drawn per piece, by a seed.
"""

import asyncio
import contextlib
from random import Random
from types import TracebackType
from typing import Self


class LossyRelay:
    """Between ``port`` and ``behind``: every piece is late, and of a hundred ``loss`` end their connection."""

    def __init__(self, port: int, behind: int, seed: int, *, loss: float, delay_s: float) -> None:
        self._port, self._behind = port, behind
        self._draw, self._loss, self._delay_s = Random(seed), loss, delay_s
        self.resets = self.silences = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        self._writers |= {writer, far_writer}
        both = (self._pass(reader, far_writer, writer), self._pass(far_reader, writer, far_writer))
        with contextlib.suppress(OSError):
            await asyncio.gather(*both)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, other: asyncio.StreamWriter
    ) -> None:
        while piece := await reader.read(16_384):
            await asyncio.sleep(self._draw.random() * 2 * self._delay_s)
            fate = self._draw.random()
            if fate < self._loss / 2:
                self.resets += 1
                writer.transport.abort()
                other.transport.abort()
                return
            if fate < self._loss:
                self.silences += 1
                return  # nothing more passes this way; both ends believe that they are connected
            writer.write(piece)
            await writer.drain()
        writer.close()
