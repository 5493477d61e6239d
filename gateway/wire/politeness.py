"""One connection at a door: bounded in time, and answered politely when its bytes are no HTTP.

The library's own answer repeats the offending bytes, and they may hold a patient's data or a secret.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.wire.doorlimits import DoorLimits

_TITLES = {400: "this is no HTTP request that can be read", 500: "the gateway made a mistake; nothing was confirmed"}
_CODES = {400: "bad-request", 500: "internal"}


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
        code = _CODES.get(status, "bad-request")
        told = {
            "type": f"https://lianpei.example/errors/{code}",
            "title": _TITLES.get(status, "the request can't be served"),
            "status": status,
            "code": code,
        }
        answer = web.Response(status=status, text=json.dumps(told), content_type="application/problem+json")
        answer.force_close()
        return answer


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
