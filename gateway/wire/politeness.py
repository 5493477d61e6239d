"""One connection at a door: bounded in time, and answered politely when its bytes are no HTTP.

The library's own answer repeats the offending bytes, and they may hold a patient's data or a secret.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from gateway.kernel.errorwords import in_chinese, problem_document
from gateway.wire.doorlimits import DoorLimits

_TITLES = {
    400: "this is no HTTP request that can be read",
    417: "nothing but 100-continue can be expected of this door",
    500: "the gateway made a mistake; nothing was confirmed",
}
_SERVER = "lianpei"
"""The library's own word tells its version and Python's to whoever looks for a weakness."""
_LINGER_S = 2.0
"""How long the rest of a refused body is read and thrown away, so that its sender sees the answer."""


class PoliteHandler(web.RequestHandler):
    """One connection."""

    __slots__ = ("_cut", "patience_s", "proven", "when_gone")
    patience_s: float
    proven: bool
    """Whether somebody we know spoke on it; strangers give way when the door is full."""
    when_gone: Callable[[], None] | None

    def pause_writing(self) -> None:
        """The caller reads slower than we write. It gets ``patience_s`` to catch up, then the connection is cut."""
        super().pause_writing()
        if self.transport is not None:
            self._cut: asyncio.TimerHandle | None = self._loop.call_later(self.patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._keep()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._keep()
        if self.when_gone is not None:
            self.when_gone()

    def _keep(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        del message
        super().handle_error(request, status, exc, "")  # logs it, and refuses when an answer was begun
        return _refusal(status)

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """An exception here was raised by the library outside the doors' own boundary, as for an ``Expect`` it doesn't know."""
        if isinstance(resp, web.HTTPException):
            resp = _refusal(resp.status)
        resp.headers["Server"] = _SERVER
        return await super().finish_response(request, resp, start_time)


def _refusal(status: int) -> web.Response:
    code = "internal" if status >= 500 else "bad-request"
    title = _TITLES.get(status, "the request can't be served")
    told = problem_document(status, {"code": code, "title": title, "zh": in_chinese(code)})
    answer = web.Response(status=status, text=json.dumps(told), content_type="application/problem+json")
    answer.force_close()
    return answer


def due_headers(wrong: Exception, status: int, challenge: str) -> dict[str, str]:
    """What RFC 9110 asks of a refusal: a 405 says what may be done (15.5.6), a 401 how to prove oneself (11.6.1).

    ``challenge`` is an authentication scheme. A client certificate has none: it is asked for before any request.
    """
    if isinstance(wrong, web.HTTPMethodNotAllowed):
        return {"Allow": wrong.headers["Allow"]}
    return {"WWW-Authenticate": f'{challenge} realm="lianpei"'} if status == 401 else {}


class PoliteServer(web.Server):
    """Takes over what ``plain`` was set up with; the handler differs, and bodies are handed on as they came.

    Unpacking would be done by the parser, before anybody knows who calls.
    """

    def __init__(self, plain: web.Server, limits: DoorLimits) -> None:
        self._patience_s = limits.answer_s
        super().__init__(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,
            **{
                **plain._kwargs,
                "auto_decompress": False,
                "keepalive_timeout": limits.idle_s,
                "lingering_time": _LINGER_S,
            },
        )

    def __call__(self) -> PoliteHandler:
        handler = PoliteHandler(self, loop=self._loop, **self._kwargs)
        handler.patience_s, handler.proven, handler.when_gone, handler._cut = self._patience_s, False, None, None
        return handler


def vouch_for(request: web.Request) -> None:
    """The caller on this connection is known."""
    protocol = request.protocol
    if isinstance(protocol, PoliteHandler):
        protocol.proven = True
