"""The hospital's side of delivery: acknowledge the feed, have an event brought again, and see whether mail waits."""

from typing import Annotated

import msgspec
from aiohttp import web

from gateway.claims.delivery.mail import Mail
from gateway.claims.delivery.office import Office
from gateway.claims.door.auth import Guard
from gateway.claims.door.body import typed_body
from gateway.claims.door.entrance import body_of, caller_of, known_caller

MAIL = "Lianpei-Mail"
"""On any answer to a hospital that acknowledges its feed: how many events wait there."""
_JSON = {"Content-Type": "application/json"}


class Acknowledged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    upto: Annotated[int, msgspec.Meta(ge=0, le=10**15)]


class Feed:
    def __init__(self, guard: Guard, mail: Mail, office: Office) -> None:
        self._guard = guard
        self._mail = mail
        self._office = office

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/v1/events/ack", self.acknowledge)
        app.router.add_post("/v1/events/{event_id}/resend", self.resend)

    async def acknowledge(self, request: web.Request) -> web.Response:
        """``POST /v1/events/ack`` ``{"upto": N}``: every event up to N is here; N never goes back."""
        caller = caller_of(request)
        wish = typed_body(body_of(request), Acknowledged, code="ack-body", hint='Send {"upto": <last seq>}.')
        await self._guard.use_up(caller)
        left = await self._mail.acknowledge(caller.tenant.hospital, wish.upto)
        return web.Response(body=msgspec.json.encode({"upto": wish.upto, "waiting": left}), headers=_JSON)

    async def resend(self, request: web.Request) -> web.Response:
        """``POST /v1/events/{event_id}/resend``: bring it to the webhook again, under the same id."""
        caller = caller_of(request)
        await self._guard.use_up(caller)
        told = await self._office.resend(request.match_info["event_id"], caller.tenant.hospital)
        return web.Response(status=202, body=msgspec.json.encode(told), headers=_JSON)

    def mark(self, request: web.Request, response: web.StreamResponse) -> None:
        """Say on an answer that events wait."""
        caller = known_caller(request)
        waiting = None if caller is None else self._mail.waiting(caller.tenant.hospital)
        if waiting is not None and not response.prepared:
            response.headers[MAIL] = str(waiting)
