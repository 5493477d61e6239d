"""The hospital door's routes about consents: register, look, withdraw (§3.1)."""

from aiohttp import web

from gateway.claims.consents.registry import Registration, consent_row, of_holder, register, shown
from gateway.claims.consents.withdrawing import Withdrawing
from gateway.claims.conversation.engine import Engine
from gateway.claims.door.auth import Guard
from gateway.claims.door.counter import json_told, read_body
from gateway.claims.door.entrance import caller_of
from gateway.kernel.errors import BadRequest
from gateway.kernel.ids import is_id
from gateway.store.api import Row


class Consents:
    def __init__(self, guard: Guard, engine: Engine, family: int) -> None:
        self._guard = guard
        self._engine = engine
        self._ledger = engine.ledger
        self._family = family

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/v1/consents", self.register)
        app.router.add_get("/v1/consents", self.listed)
        app.router.add_get("/v1/consents/{consent_id}", self.look)
        app.router.add_post("/v1/consents/{consent_id}/withdraw", self.withdraw)

    async def register(self, request: web.Request) -> web.Response:
        """``POST /v1/consents``: keep a patient's consent; the same one again changes nothing."""
        caller, wish = caller_of(request), read_body(request, Registration)
        await self._guard.use_up(caller)
        row = await register(self._ledger, caller.tenant.hospital, wish, self._family)
        return await self._told(row, 201)

    async def listed(self, request: web.Request) -> web.Response:
        """``GET /v1/consents?holder=…``: every consent that this account holds."""
        caller, holder = caller_of(request), request.query.get("holder", "")
        await self._guard.use_up(caller)
        if not is_id(holder):
            raise BadRequest("holder is missing or not an id", code="holder-missing", hint="Name the account.")
        rows = await self._ledger.read(of_holder, self._ledger, caller.tenant.hospital, holder)
        return json_told({"consents": [await self._ledger.read(shown, self._ledger, row) for row in rows]})

    async def look(self, request: web.Request) -> web.Response:
        """``GET /v1/consents/{consent_id}``: whom it lets have what, until when, and whether it lives."""
        caller = caller_of(request)
        await self._guard.use_up(caller)
        hospital, consent_id = caller.tenant.hospital, request.match_info["consent_id"]
        return await self._told(await self._ledger.read(consent_row, self._ledger, hospital, consent_id))

    async def withdraw(self, request: web.Request) -> web.Response:
        """``POST /v1/consents/{consent_id}/withdraw``: nothing new is sent under it from now on."""
        caller = caller_of(request)
        await self._guard.use_up(caller)
        hospital, consent_id = caller.tenant.hospital, request.match_info["consent_id"]
        return await self._told(await Withdrawing(self._engine).withdraw(hospital, consent_id))

    async def _told(self, row: Row, status: int = 200) -> web.Response:
        return json_told(await self._ledger.read(shown, self._ledger, row), status)
