"""Routes about a bill that is under way: the patient's answer, and what is brought afterwards."""

import asyncio
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from gateway.claims.conversation.bringing import Account, Documents, PolicyOrder, rebind, reorder, supply
from gateway.claims.conversation.confirming import Answer, answer_quotes
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.guarantees import Projection, look, project, withdraw
from gateway.claims.door.auth import Guard
from gateway.claims.door.body import typed_body
from gateway.claims.door.entrance import body_of, caller_of
from gateway.claims.door.preferences import preferences_of
from gateway.claims.door.views import stored_view
from gateway.kernel.errors import NotFound

_JSON = {"Content-Type": "application/json"}
_Body = TypeVar("_Body")


class CounterDoor:
    def __init__(self, guard: Guard, engine: Engine) -> None:
        self._guard = guard
        self._engine = engine

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/v1/claims/{order_id}/confirm", self.confirm)
        app.router.add_post("/v1/claims/{order_id}/documents", self.documents)
        app.router.add_get("/v1/guarantees/{order_id}", self.guarantee)
        app.router.add_post("/v1/guarantees/{order_id}/projection", self.projection)
        app.router.add_post("/v1/guarantees/{order_id}/withdrawal", self.withdrawal)
        app.router.add_get("/v1/offers", self.offers)
        app.router.add_put("/v1/claims/{order_id}/policy-order", self.policy_order)
        app.router.add_put("/v1/claims/{order_id}/payout-account", self.payout_account)

    async def confirm(self, request: web.Request) -> web.Response:
        """``POST /v1/claims/{order_id}/confirm``: the patient agrees to the quotes that were shown, or does not."""
        order_id = await self._own_order(request)
        await answer_quotes(self._engine, order_id, read_body(request, Answer))
        return await self._told(request, order_id)

    async def documents(self, request: web.Request) -> web.Response:
        """``POST /v1/claims/{order_id}/documents``: material that an insurer asked for."""
        order_id = await self._own_order(request)
        await supply(self._engine, order_id, read_body(request, Documents))
        return await self._told(request, order_id)

    async def policy_order(self, request: web.Request) -> web.Response:
        """``PUT /v1/claims/{order_id}/policy-order``: another order of the policies that were not sent yet."""
        order_id = await self._own_order(request)
        await reorder(self._engine, order_id, read_body(request, PolicyOrder))
        return await self._told(request, order_id)

    async def payout_account(self, request: web.Request) -> web.Response:
        """``PUT /v1/claims/{order_id}/payout-account``: where quick-claims are paid to from now on."""
        order_id = await self._own_order(request)
        await rebind(self._engine, order_id, read_body(request, Account))
        return await self._told(request, order_id)

    async def guarantee(self, request: web.Request) -> web.Response:
        """``GET /v1/guarantees/{order_id}``: how a granted guarantee stands."""
        caller = caller_of(request)
        await self._guard.use_up(caller)
        return json_told(await look(self._engine, caller.tenant.hospital, request.match_info["order_id"]))

    async def projection(self, request: web.Request) -> web.Response:
        """``POST /v1/guarantees/{order_id}/projection``: what the stay will ask of the insurer, against the quota."""
        caller, wish = caller_of(request), read_body(request, Projection)
        await self._guard.use_up(caller)
        return json_told(await project(self._engine, caller.tenant.hospital, request.match_info["order_id"], wish))

    async def withdrawal(self, request: web.Request) -> web.Response:
        """``POST /v1/guarantees/{order_id}/withdrawal``: the insurer took it back."""
        caller = caller_of(request)
        await self._guard.use_up(caller)
        return json_told(await withdraw(self._engine, caller.tenant.hospital, request.match_info["order_id"]))

    async def offers(self, request: web.Request) -> web.Response:
        """``GET /v1/offers``: per insurer, what is best offered to a patient just now."""
        await self._guard.use_up(caller_of(request))
        return json_told({"offers": self._engine.counter.offers.all(self._engine.registry)})

    async def _own_order(self, request: web.Request) -> str:
        """Raises ``NotFound``: another hospital's order is as unknown as none."""
        caller, order_id = caller_of(request), request.match_info["order_id"]
        await self._guard.use_up(caller)
        row = await self._engine.ledger.read(self._engine.ledger.bill_row, order_id)
        if row is None or row["hospital"] != caller.tenant.hospital:
            raise NotFound("no such order", code="order-unknown")
        return order_id

    async def _told(self, request: web.Request, order_id: str) -> web.Response:
        """The bill as it stands once it is at rest, or after ``Prefer: wait``."""
        engine = self._engine
        worker = engine.running.get(order_id)
        if worker is not None:
            await asyncio.wait({worker}, timeout=preferences_of(request).wait)
        row = await engine.ledger.read(engine.ledger.bill_row, order_id)
        assert row is not None
        view = await engine.ledger.read(stored_view, row, engine.ledger, engine.registry)
        if row["state"] == "decided":
            return web.Response(body=view, headers=_JSON)
        return web.Response(status=202, body=view, headers=_JSON | {"Location": f"/v1/orders/{order_id}"})


def json_told(told: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(told), headers=_JSON)


def read_body(request: web.Request, kind: type[_Body]) -> _Body:
    """The body as ``kind``. Raises ``BadRequest`` (``body-invalid``), naming no value."""
    return typed_body(body_of(request), kind, code="body-invalid", hint="See /openapi.json.")
