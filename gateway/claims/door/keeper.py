"""The keeper's door: a socket in the file system beside the database, for whoever may read the database anyway."""

import socket
import struct

import msgspec
from aiohttp import web

from gateway.claims.custody.keeper import Keeper
from gateway.claims.custody.wish import Wish
from gateway.claims.door.problems import answer_errors
from gateway.kernel.errors import BadRequest

_CREDENTIALS = struct.Struct("3i")


def keeper_app(keeper: Keeper) -> web.Application:
    app = web.Application(middlewares=[answer_errors])

    async def take(request: web.Request) -> web.Response:
        try:
            wish = msgspec.json.decode(await request.read(), type=Wish)
        except msgspec.DecodeError:
            raise BadRequest(
                "this wish can't be read", code="wish-unreadable", hint="Use the lianpei command."
            ) from None
        answer = await keeper.perform(_who(request), wish)
        return web.Response(body=msgspec.json.encode(answer), headers={"Content-Type": "application/json"})

    app.router.add_post("/wish", take)
    return app


def _who(request: web.Request) -> str:
    """The calling process's user, as the kernel tells it."""
    assert request.transport is not None
    peer = request.transport.get_extra_info("socket")
    told = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return f"uid:{_CREDENTIALS.unpack(told)[1]}"
