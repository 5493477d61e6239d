"""Stands at a port and lets connections in, so many at once and so many from one address, before any TLS work is done.

When the door is full, the stranger who has been inside longest gives way: however many come, whoever proves at once who
they are is served. Our own in place of the event loop's server because that one counts nothing and starts a handshake for everybody.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from aiohttp import web

from gateway.wire.doorlimits import DoorLimits
from gateway.wire.politeness import PoliteHandler, PoliteServer

_HANDSHAKE_S = 10.0
"""At most; a door with less patience for a head has less for a handshake."""
_SHUTDOWN_S = 5.0
_BACKLOG = 1024
_NO_DESCRIPTOR_S = 0.2
"""Pause after the process ran out of file descriptors: the backlog keeps those who wait."""


TurnedAway = Callable[[str], None]
"""Told why a connection was not let in or had to go: address-full, door-full, gave-way, no-handshake."""
CAUSES = ("address-full", "door-full", "gave-way", "no-handshake")


class Porter:
    """Accepts on ``sockets`` until it is closed; connections that are in stay. To aiohttp it looks like a server."""

    def __init__(
        self,
        server: PoliteServer,
        sockets: Sequence[socket.socket],
        tls: ssl.SSLContext | None,
        limits: DoorLimits,
        turned_away: TurnedAway,
    ) -> None:
        self.sockets = tuple(sockets)
        self.tls = tls
        """Counts from the next connection on; those that are in keep what they came in under."""
        self._server = server
        self._limits = limits
        self._turned_away = turned_away
        self._inside: dict[socket.socket, str] = {}
        self._strangers: dict[socket.socket, PoliteHandler | None] = {}
        """In the order they came; one that was vouched for since is noticed when its turn comes."""
        self._by_address: Counter[str] = Counter()
        self._tasks = {asyncio.create_task(self._accept(listening)) for listening in sockets}

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for listening in self.sockets:
            listening.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                arrived, peer = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(_NO_DESCRIPTOR_S)
                continue
            address = _neighbourhood(str(peer[0]))
            refused = "address-full" if self._by_address[address] >= self._limits.per_address else ""
            if refused or not self._room():
                self._turned_away(refused or "door-full")
                arrived.close()
                continue
            self._inside[arrived] = address
            self._strangers[arrived] = None
            self._by_address[address] += 1
            task = asyncio.create_task(self._let_in(arrived))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _room(self) -> bool:
        while len(self._inside) >= self._limits.connections and self._strangers:
            oldest = next(iter(self._strangers))
            handler = self._strangers.pop(oldest)
            if handler is None or not handler.proven:
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)  # the event loop, which owns it, finds it closed
                self._gone(oldest)
                self._turned_away("gave-way")
        return len(self._inside) < self._limits.connections

    async def _let_in(self, arrived: socket.socket) -> None:
        _give_up_on_the_deaf(arrived, self._limits.answer_s)

        def protocol() -> PoliteHandler:
            handler = self._server()
            handler.when_gone = lambda: self._gone(arrived)
            if arrived in self._strangers:
                self._strangers[arrived] = handler
            return handler

        patience = min(_HANDSHAKE_S, self._limits.idle_s)
        secured = {"ssl_handshake_timeout": patience, "ssl_shutdown_timeout": _SHUTDOWN_S} if self.tls else {}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(protocol, arrived, ssl=self.tls, **secured)
        except (OSError, asyncio.CancelledError):  # no handshake, or none in time
            self._turned_away("no-handshake")
            self._gone(arrived)
            arrived.close()

    def _gone(self, arrived: socket.socket) -> None:
        self._strangers.pop(arrived, None)
        address = self._inside.pop(arrived, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]


class PorterSite(web.BaseSite):
    """A site of aiohttp's runner with a porter at its port."""

    def __init__(
        self,
        runner: web.AppRunner,
        server: PoliteServer,
        place: tuple[str, int],
        tls: ssl.SSLContext | None,
        limits: DoorLimits,
        turned_away: TurnedAway,
    ) -> None:
        super().__init__(runner, ssl_context=tls)
        self._polite = server
        self._turned_away = turned_away
        self._porter: Porter | None = None
        self._place = place
        self._limits = limits

    @property
    def name(self) -> str:
        return f"{self._place[0]}:{self._place[1]}"

    async def start(self) -> None:
        """Raises ``OSError`` when the port can't be had."""
        sockets = await _listening(*self._place)
        await super().start()
        self._porter = Porter(self._polite, sockets, self._ssl_context, self._limits, self._turned_away)
        self._server = self._porter  # type: ignore[assignment]  # close() and sockets are what a site needs of a server

    def renew(self, tls: ssl.SSLContext) -> None:
        """Whoever comes from now on is met with ``tls``."""
        if self._porter is not None:
            self._porter.tls = tls


async def _listening(host: str, port: int) -> list[socket.socket]:
    """One socket for each address of ``host``, all on the same port (the first one's, when ``port`` is 0)."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            made = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken = port or sockets[0].getsockname()[1]
            made.bind((address[0], taken, *address[2:]))
            made.listen(_BACKLOG)
            made.setblocking(False)
    except OSError:
        for made in sockets:
            made.close()
        raise
    return sockets


def _give_up_on_the_deaf(arrived: socket.socket, seconds: float) -> None:
    """The kernel ends a connection whose peer acknowledges nothing, or keeps its window shut, for so long (Linux)."""
    arrived.setblocking(False)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        arrived.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


def _neighbourhood(address: str) -> str:
    """The address, or for IPv6 its /64, which is what one household has."""
    if ":" not in address:
        return address
    found = ipaddress.IPv6Address(address.partition("%")[0])
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
