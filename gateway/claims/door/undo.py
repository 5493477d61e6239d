"""The hospital door's routes to take an order back: ask, look, and say what became of 医保."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from gateway.claims.door.auth import Caller, Guard, replayed, spend
from gateway.claims.door.body import typed_body
from gateway.claims.door.entrance import body_of, caller_of
from gateway.claims.door.idempotency import key_of
from gateway.claims.undo.book import Undo, read_undos
from gateway.claims.undo.service import UndoDesk
from gateway.claims.undo.view import undo_view
from gateway.claims.undo.wish import LegWord, UndoWish, require_form
from gateway.claims.work import Work
from gateway.kernel.errors import NotFound
from gateway.store.errors import Duplicate

_Told = TypeVar("_Told")
_JSON = {"Content-Type": "application/json"}


class UndoHandlers:
    def __init__(self, guard: Guard, desk: UndoDesk) -> None:
        self._guard = guard
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/v1/orders/{order_id}/undo", self.ask)
        app.router.add_get("/v1/orders/{order_id}/undos", self.listed)
        app.router.add_get("/v1/undos/{undo_id}", self.look)
        app.router.add_post("/v1/undos/{undo_id}/{leg:yibao|cash}", self.told)

    async def ask(self, request: web.Request) -> web.Response:
        """``POST /v1/orders/{order_id}/undo``: durable when it is answered, worked afterwards."""
        caller, key = caller_of(request), key_of(request, "undo")
        wish = _read(request, UndoWish)
        require_form(wish)
        order_id, hospital = request.match_info["order_id"], caller.tenant.hospital
        try:
            row = await self._desk.ask(hospital, order_id, key, wish, self._work(caller))
        except Duplicate:
            raise replayed() from None
        return self._answer(await self._view(hospital, row["undo_id"]), 202)

    async def listed(self, request: web.Request) -> web.Response:
        """``GET /v1/orders/{order_id}/undos``: every undo of an order, those that the gateway began too."""
        caller, order_id = caller_of(request), request.match_info["order_id"]
        await self._guard.use_up(caller)
        ledger = self._desk.engine.ledger

        def read() -> list[dict[str, Any]]:
            bill = ledger.bill_row(order_id)
            if bill is None or bill["hospital"] != caller.tenant.hospital:
                raise NotFound("no such order", code="order-unknown")
            claims = ledger.claim_rows(order_id)
            return [undo_view(undo, claims) for undo in read_undos(ledger.store, order_id)]

        return web.Response(body=msgspec.json.encode({"undos": await ledger.read(read)}), headers=_JSON)

    async def look(self, request: web.Request) -> web.Response:
        """``GET /v1/undos/{undo_id}``: the undo with the state of each leg."""
        caller = caller_of(request)
        await self._guard.use_up(caller)
        return self._answer(await self._view(caller.tenant.hospital, request.match_info["undo_id"]), 200)

    async def told(self, request: web.Request) -> web.Response:
        """``POST /v1/undos/{undo_id}/yibao`` or ``/cash``: the hospital itself undid this leg, or could not."""
        caller, undo_id = caller_of(request), request.match_info["undo_id"]
        word = _read(request, LegWord)
        try:
            await self._desk.told(caller.tenant.hospital, undo_id, request.match_info["leg"], word, self._work(caller))
        except Duplicate:
            raise replayed() from None
        return self._answer(await self._view(caller.tenant.hospital, undo_id), 200)

    def _work(self, caller: Caller) -> Work:
        """Rows to gather; a signed request's nonce is committed with them."""
        work = self._desk.engine.ledger.work()
        if caller.nonce is not None:
            spend(caller.nonce, work)
        return work

    async def _view(self, hospital: str, undo_id: str) -> tuple[Undo, bytes]:
        ledger = self._desk.engine.ledger

        def read() -> tuple[Undo, bytes]:
            undo = self._desk.one(hospital, undo_id)
            return undo, msgspec.json.encode(undo_view(undo, ledger.claim_rows(undo.order_id)))

        return await ledger.read(read)

    def _answer(self, seen: tuple[Undo, bytes], status: int) -> web.Response:
        undo, body = seen
        return web.Response(status=status, body=body, headers=_JSON | {"Location": f"/v1/undos/{undo.undo_id}"})


def _read(request: web.Request, kind: type[_Told]) -> _Told:
    return typed_body(body_of(request), kind, code="undo-form", hint="See docs/undo.md.")
