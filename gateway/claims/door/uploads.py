"""``POST /v1/uploads/csv``: many bills in one file. Every row of it is accounted for in the answer."""

import asyncio
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from gateway.claims.door.auth import Caller, Guard
from gateway.claims.door.entrance import body_of, caller_of
from gateway.claims.door.handlers import Handlers
from gateway.claims.intake import Intake
from gateway.claims.upload import Piece, pieces_of, text_of
from gateway.kernel.errors import BadClaim, LianpeiError
from gateway.kernel.errorwords import said

FORM = "csv"
"""The hospital format that reads one bill of the file."""
_AT_ONCE = 16
"""So many bills of one file are being taken at the same time: enough to share commits, and others keep their turn."""


class Uploads:
    def __init__(self, handlers: Handlers, intake: Intake, guard: Guard) -> None:
        self._handlers = handlers
        self._intake = intake
        self._guard = guard

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/v1/uploads/csv", self.submit)

    async def submit(self, request: web.Request) -> web.Response:
        """Answers when every bill of the file is on disk or refused; the file may be sent again at any time."""
        caller = caller_of(request)
        pieces = await asyncio.to_thread(lambda: pieces_of(text_of(body_of(request), request.charset or "")))
        await self._guard.use_up(caller)
        turn, known = asyncio.Semaphore(_AT_ONCE), msgspec.structs.replace(caller, nonce=None)

        async def taken(piece: Piece) -> dict[str, Any]:
            async with turn:
                return {"bill": piece.key, "lines": piece.lines, **await self._taken(piece, known)}

        bills = await asyncio.gather(*map(taken, pieces))
        accepted = sum(bill["state"] == "accepted" for bill in bills)
        told = {"accepted": accepted, "refused": len(bills) - accepted, "bills": bills}
        return web.Response(body=msgspec.json.encode(told), headers={"Content-Type": "application/json"})

    async def _taken(self, piece: Piece, caller: Caller) -> dict[str, Any]:
        try:
            _require_whole(piece)
            answer = await self._handlers.take(caller, FORM, piece.document(), piece.key, 0.0)
        except LianpeiError as refused:
            return await asyncio.to_thread(self._refusal, refused, piece)
        order = msgspec.json.decode(_body(answer))
        return {"state": "accepted", "order_id": order["order_id"], "links": order["links"]}

    def _refusal(self, refused: LianpeiError, piece: Piece) -> dict[str, Any]:
        """``wrong_lines``: where in the file, as far as the fields tell."""
        told: dict[str, Any] = {"state": "refused", "hint": "", "fields": (), **said(refused)}
        told["wrong_lines"] = piece.wrong or piece.lines_of(refused, partial(self._intake.read, FORM))
        return told


def _require_whole(piece: Piece) -> None:
    if piece.wrong:
        raise BadClaim(
            "rows have more cells than columns",
            code="upload-row",
            hint="Put a text with a comma in double quotes; the # line names the columns.",
            fields=tuple(f"line {line}" for line in piece.wrong[:100]),
        )


def _body(answer: web.Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body
