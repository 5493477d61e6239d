"""A hospital's webhook receiver on a real socket, which verifies every message by its own means and plays what is scripted."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from support.patience import until


@dataclass(frozen=True)
class Came:
    event_id: str
    timestamp: int
    signatures: tuple[str, ...]
    body: bytes
    path: str

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def order_id(self) -> str:
        return str(self.document["data"]["order_id"])

    @property
    def signed(self) -> bytes:
        return b".".join((self.event_id.encode(), str(self.timestamp).encode(), self.body))

    def is_good(self, secret: bytes) -> bool:
        """As a receiver judges it: any signature of the list under the shared secret."""
        good = "v1," + base64.b64encode(hmac.new(secret, self.signed, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(good, one) for one in self.signatures)


@dataclass
class Receiver:
    """``answers`` are given in order, then ``always``: an HTTP status, seconds to sleep before 200, or a callable."""

    always: int = 200
    answers: deque[int | float | Callable[[Came], web.Response]] = field(default_factory=deque)
    came: list[Came] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [one.event_id for one in self.came]

    async def wait_for(self, count: int, seconds: float = 10) -> list[Came]:
        async def there() -> bool:
            return len(self.came) >= count

        await until(there, seconds)
        return self.came

    async def _take(self, request: web.Request) -> web.Response:
        heads = request.headers
        came = Came(
            heads["webhook-id"],
            int(heads["webhook-timestamp"]),
            tuple(heads["webhook-signature"].split()),
            await request.read(),
            request.path_qs,
        )
        self.came.append(came)
        answer = self.answers.popleft() if self.answers else self.always
        if callable(answer):
            return answer(came)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return web.Response()
        location = {"Location": "http://127.0.0.1:1/elsewhere"} if 300 <= answer < 400 else {}
        return web.Response(status=answer, headers=location)
