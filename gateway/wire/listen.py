"""Opens a door's port, and says in plain words when that can't be done."""

import errno
import ssl

from aiohttp import web

from gateway.kernel.errors import ConfigRefused
from gateway.wire.politeness import PoliteServer


async def listen(runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None) -> int:
    """Serve ``runner`` there and return the port taken. Raises ``ConfigRefused`` that names a port which can't be had."""
    await runner.setup()
    assert runner.server is not None
    runner._server = PoliteServer(runner.server)
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except OSError as wrong:
        raise port_refused(host, port, wrong) from wrong
    return int(runner.addresses[0][1])


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
