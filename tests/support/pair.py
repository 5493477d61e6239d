"""Gateways that share one PostgreSQL database, behind a balancer that knows only whether a port answers."""

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage

_DOORS = ("hospital", "partner", "operator")


class Gateways:
    """``stage`` has the balancer's ports, the sandbox and the payment room; ``each`` one gateway."""

    def __init__(self, home: Path, database: str, count: int) -> None:
        self.stage = Stage(home, free_ports(), home / "keys", database=database)
        self.each = [self._one(number) for number in range(count)]

    def _one(self, number: int) -> Stage:
        doors = {door: port for door, port in free_ports().items() if door in _DOORS}
        return replace(self.stage, home=self.stage.home / f"g{number}", ports=self.stage.ports | doors, processes={})

    def start(self) -> None:
        self.stage.prepare()
        for name in ("sandbox", "payment"):
            self.stage.start(name)
        for one in self.each:
            one.prepare()
        self.each[0].start("gateway")  # alone: it makes the tables
        with ThreadPoolExecutor() as together:
            list(together.map(lambda one: one.start("gateway"), self.each[1:]))

    def renew(self, number: int, meanwhile: Callable[[], None] = lambda: None) -> int:
        """A rolling restart's step: SIGTERM, wait, ``meanwhile``, start, ready. The exit status."""
        one = self.each[number]
        process = one.processes["gateway"]
        process.send_signal(signal.SIGTERM)
        status = process.wait(30)
        meanwhile()
        one.kill("gateway")  # only its remains
        one.start("gateway")
        one.ready()
        return status

    def stop(self) -> None:
        for one in (*self.each, self.stage):
            one.stop()


@contextlib.asynccontextmanager
async def balanced(gateways: Gateways) -> AsyncIterator[None]:
    """Every connection goes to the next gateway that answers."""
    async with contextlib.AsyncExitStack() as servers:
        for door in ("hospital", "partner"):
            turns = itertools.cycle([one.ports[door] for one in gateways.each])
            server = await asyncio.start_server(
                _forward(turns, len(gateways.each)), "127.0.0.1", gateways.stage.ports[door]
            )
            servers.push_async_callback(_close, server)
        yield


async def _close(server: asyncio.Server) -> None:
    server.close()


def _forward(
    turns: Iterator[int], count: int
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in itertools.islice(turns, count):
            with contextlib.suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
                return
        writer.close()

    return serve


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await source.read(65_536):
            sink.write(part)
            await sink.drain()
    sink.close()
