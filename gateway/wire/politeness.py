"""What a door answers to bytes that are no HTTP: a problem document that quotes nothing of what was sent.

The library's own answer repeats the offending bytes, and they may hold a patient's data or a secret.
"""

import json
from typing import Any

from aiohttp import web

_TITLES = {400: "this is no HTTP request that can be read", 500: "the gateway made a mistake; nothing was confirmed"}
_CODES = {400: "bad-request", 500: "internal"}


class PoliteHandler(web.RequestHandler):
    """One connection."""

    __slots__ = ()

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

    def __init__(self, plain: web.Server) -> None:
        super().__init__(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,
            **{**plain._kwargs, "auto_decompress": False},
        )

    def __call__(self) -> web.RequestHandler:
        return PoliteHandler(self, loop=self._loop, **self._kwargs)
