"""The hospital door's entrance: who calls is proven and paced first, and only then a byte of the body is read."""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.claims.door.auth import Caller, Guard
from gateway.claims.door.bodies import Bodies, Room
from gateway.claims.door.problems import SOAP_PATH
from gateway.kernel.errors import BadRequest
from gateway.kernel.errorwords import PAGES
from gateway.wire.politeness import vouch_for


class Came(msgspec.Struct):
    """Who sent a request, and the body once it is here."""

    caller: Caller
    body: bytes = b""


_CAME = web.RequestKey("came", Came)
_OPEN = ("/openapi.json", "/schemas/", PAGES)
"""What a stranger may read: how to call, and what a refusal means."""


class Entrance:
    """Everything of this door goes through ``enter``: a new route is closed unless it is listed as open."""

    def __init__(self, guard: Guard, bodies: Bodies) -> None:
        self._guard = guard
        self._bodies = bodies

    @web.middleware
    async def enter(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        sends = request.method in ("POST", "PUT")
        if request.match_info.http_exception is not None or (not sends and _is_open(request)):
            return await handler(request)
        caller = self._guard.who(request)
        came = request[_CAME] = Came(caller)
        self._guard.pace(caller)
        vouch_for(request)
        if not sends:
            if request.can_read_body:
                raise BadRequest("this request has no body", hint="Send the body with a POST or PUT only.")
            caller.require_own(b"")
            return await handler(request)
        tenant = caller.tenant
        with Room(self._bodies, tenant.hospital, tenant.limits.body_bytes) as room:
            came.body = await room.read(request)
            caller.require_own(came.body)
            return await handler(request)


def _is_open(request: web.Request) -> bool:
    """How to call by SOAP is open too: clients fetch it before they prove themselves."""
    return request.path.startswith(_OPEN) or (request.method == "GET" and request.path == SOAP_PATH)


def came_with(request: web.Request) -> Came:
    return request[_CAME]


def caller_of(request: web.Request) -> Caller:
    return request[_CAME].caller


def known_caller(request: web.Request) -> Caller | None:
    """None for a stranger, and before the caller is proven."""
    try:
        return request[_CAME].caller
    except KeyError:
        return None


def body_of(request: web.Request) -> bytes:
    return request[_CAME].body
