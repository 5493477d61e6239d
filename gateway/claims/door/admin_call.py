"""What every operators' route needs: who calls, the body it takes, the answer it gives."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from gateway.claims.door.bodies import Bodies, Room
from gateway.claims.door.body import typed_body
from gateway.claims.operators.roles import Operator

WHO = web.RequestKey("operator", Operator)
_MOST_BYTES = 64 * 1024
_Wish = TypeVar("_Wish")


def who(request: web.Request) -> Operator:
    """The operator that the door's entrance introduced."""
    return request[WHO]


async def read_wish(bodies: Bodies, request: web.Request, kind: type[_Wish]) -> _Wish:
    """The request's body as ``kind``. Raises ``BadRequest`` (``admin-body``) without telling what was sent."""
    with Room(bodies, request.remote or "", _MOST_BYTES) as room:
        return typed_body(await room.read(request), kind, code="admin-body", hint="See /admin/openapi.json.")


def json_answer(told: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(told), headers={"Content-Type": "application/json"})
