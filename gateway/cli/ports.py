"""Loopback ports for a stage on one machine: the fixed ones of ``lianpei up``, and free ones that no neighbour is given."""

import atexit
import itertools
import os
import socket
from collections.abc import Iterable, Iterator

from gateway.kernel.errors import ConfigRefused

FIXED = {
    "hospital": 8443,
    "partner": 8444,
    "operator": 9464,
    "payment": 8543,
    "package": 9101,
    "huiyibao": 9102,
    "ant": 9103,
    "eclaimlink": 9104,
    "hcx": 9105,
    "pay": 9106,
    "deduct": 9107,
}

_FIRST, _COUNT = 15_000, 17_000
_ports: Iterator[int] = itertools.cycle(
    (*range(_FIRST + os.getpid() % 170 * 100, _FIRST + _COUNT), *range(_FIRST, _FIRST + _COUNT))
)
"""Below the ports that the system gives to outgoing connections; neighbouring processes begin elsewhere."""
_held: dict[int, socket.socket] = {}
atexit.register(lambda: release(list(_held)))


def free_ports(*more: str) -> dict[str, int]:
    """A free loopback port for every server and for ``more`` of them. Nobody else is given one before ``release``."""
    return {name: _hold() for name in (*FIXED, *more)}


def _hold() -> int:
    """Bound without listening, a port stays ours, and a server that reuses addresses can still take it."""
    for _ in range(_COUNT):
        port = next(_ports)
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", port))
        except OSError:
            held.close()
            continue
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held[port] = held
        return port
    raise ConfigRefused("no loopback port is free", code="port-in-use", hint="Stop other servers of this machine.")


def release(ports: Iterable[int]) -> None:
    """The servers are gone: others may have their ports."""
    for port in ports:
        held = _held.pop(port, None)
        if held is not None:
            held.close()


def require_free(ports: dict[str, int]) -> None:
    """Raises ``ConfigRefused`` that names the first port which another program has."""
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was closed a moment ago is free
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as wrong:
                raise ConfigRefused(
                    f"port {port} ({name}) is in use",
                    code="port-in-use",
                    hint=f"Stop what listens there (ss -ltnp 'sport = :{port}' shows it), or use free ports: make demo.",
                ) from wrong
