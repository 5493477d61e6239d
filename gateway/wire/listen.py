"""Opens a door's port, and says in plain words when that can't be done."""

import errno
import os
import ssl
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from gateway.kernel.errors import ConfigRefused
from gateway.wire.doorlimits import DoorLimits
from gateway.wire.politeness import PoliteServer
from gateway.wire.porter import PorterSite, TurnedAway

LAST_ANSWERS_S = 5.0
"""When a door closes, callers under way have so long for their answer; their bills are kept and go on after the next start."""


async def listen(
    runner: web.AppRunner,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    limits: DoorLimits | None = None,
    turned_away: TurnedAway = lambda _: None,
) -> int:
    """Serve ``runner`` there and return the port taken. Raises ``ConfigRefused`` that names a port which can't be had."""
    limits = limits or DoorLimits()
    await runner.setup()
    assert runner.server is not None
    runner._server = server = PoliteServer(runner.server, limits)
    try:
        await PorterSite(runner, server, (host, port), tls, limits, turned_away).start()
    except OSError as wrong:
        raise port_refused(host, port, wrong) from wrong
    return int(runner.addresses[0][1])


def renew_tls(runner: web.AppRunner, tls: ssl.SSLContext) -> None:
    """Meet whoever comes to the door from now on with ``tls``."""
    for site in runner.sites:
        if isinstance(site, PorterSite):
            site.renew(tls)


async def listen_local(app: web.Application, path: Path) -> web.AppRunner:
    """Serve ``app`` on a socket in the file system that only its owner may open. Raises ``ConfigRefused``."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS_S)
    await runner.setup()
    with suppress(FileNotFoundError):  # left by a process that was killed; who calls us has the database to itself
        os.unlink(path)
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    except OSError as wrong:
        await runner.cleanup()
        raise ConfigRefused(
            f"the socket {path.name} can't be made",
            code="socket-refused",
            hint="The database's folder must be writable, its path shorter than 90 characters.",
        ) from wrong
    finally:
        os.umask(before)
    return runner


def port_refused(host: str, port: int, wrong: OSError) -> ConfigRefused:
    if wrong.errno == errno.EADDRINUSE:
        return ConfigRefused(
            f"port {port} is in use",
            code="port-in-use",
            hint=f"Stop the program that listens there (ss -ltnp 'sport = :{port}' shows it), or set another port.",
        )
    if wrong.errno == errno.EACCES:
        return ConfigRefused(
            f"port {port} may not be opened by this user",
            code="port-refused",
            hint="Ports below 1024 belong to root: set a higher one.",
        )
    return ConfigRefused(
        f"port {port} can't be opened on {host}", code="port-refused", hint="Check the door's host and port."
    )
