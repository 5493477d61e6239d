"""Where a partner's calls are taken while it is examined: opened by its folder, kept by correlation, acknowledged."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from gateway.claims.canonical.dispatch import ActResult, read_result
from gateway.claims.partners.partner import Partner
from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.mapping.api import Incoming
from gateway.wire.keys import KeyRing
from gateway.wire.listen import port_refused
from gateway.wire.tls import server_context

_HOST = "127.0.0.1"
_ELSEWHERE = (
    "The partner's calls are taken here; make run's gateway has 8444. Stop what listens, or give --port: 0 for a partner "
    "that calls nobody, another that it is told to call (a simulator: --gateway https://localhost:PORT)."
)


@dataclass(slots=True)
class Door:
    """``partner`` is set before the first call may come."""

    partner: Partner | None = None
    refuse_next: int = 0
    """So many calls are answered 503, to see whether they come again."""
    refused: int = 0
    calls: int = 0
    unread: list[str] = field(default_factory=list)
    """Error codes of calls that could not be trusted or read."""
    results: dict[str, list[ActResult]] = field(default_factory=lambda: defaultdict(list))
    _rang: asyncio.Event = field(default_factory=asyncio.Event)

    async def told(self, correlation: str, patience_s: float) -> ActResult | None:
        """The newest result for this correlation, waiting for it; None when none came in time."""
        try:
            async with asyncio.timeout(patience_s):
                while not self.results.get(correlation):
                    self._rang.clear()
                    await self._rang.wait()
        except TimeoutError:
            return None
        return self.results[correlation][-1]

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.calls += 1
        if self.refuse_next:
            self.refuse_next -= 1
            self.refused += 1
            return web.Response(status=503)
        try:
            return self._take("/" + request.match_info["path"], body, request)
        except (LianpeiError, msgspec.ValidationError) as bad:
            self.unread.append(getattr(bad, "error_code", "callback-form"))
            return web.Response(status=401)

    def _take(self, path: str, body: bytes, request: web.Request) -> web.Response:
        partner = self.partner
        found = partner.callback(path) if partner is not None else None
        if partner is None or found is None:
            self.unread.append("callback-unknown-path")
            return web.Response(status=404)
        plain = partner.open_callback(body, {name.lower(): value for name, value in request.headers.items()})
        incoming = Incoming(plain.document, 200, plain.protected)
        result = partner.judged(read_result(found[1].read_callback(incoming)))
        if isinstance(result.correlation, str) and result.state != "pending":
            self.results[result.correlation].append(result)
            self._rang.set()
        reply = found[1].write_reply(incoming)
        sealed = partner.seal_reply(reply)
        headers = {**reply.headers, **sealed.headers, "Content-Type": sealed.content_type or reply.content_type}
        return web.Response(status=reply.status, body=sealed.body, headers=headers)


async def open_door(door: Door, port: int, keys: KeyRing, certificate: str) -> web.AppRunner:
    """Listen on 127.0.0.1, over TLS where there is a ``certificate``. Clean the runner up to close."""
    app = web.Application(client_max_size=16 << 20)
    app.router.add_post("/partners/{code}/{path:.+}", door.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    context = server_context(keys, certificate) if certificate else None
    try:
        await web.TCPSite(runner, _HOST, port, ssl_context=context).start()
    except OSError as wrong:
        refused = port_refused(_HOST, port, wrong)
        raise ConfigRefused(refused.message, code=refused.error_code, hint=_ELSEWHERE) from wrong
    return runner
