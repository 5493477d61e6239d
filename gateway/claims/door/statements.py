"""The hospital's side of reconciliation: read our locked book of a day, and bring its own to be held against it."""

import msgspec
from aiohttp import web

from gateway.claims.door.auth import Guard
from gateway.claims.door.entrance import body_of, caller_of
from gateway.claims.reconciliation.days import read_day
from gateway.claims.reconciliation.office import ReconOffice


class Statements:
    def __init__(self, guard: Guard, office: ReconOffice) -> None:
        self._guard = guard
        self._office = office

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/v1/statements/{day}/{insurer}", self.read)
        app.router.add_post("/v1/statements/{day}/{insurer}", self.bring)

    async def read(self, request: web.Request) -> web.Response:
        """Our book as CSV, once the day is locked."""
        caller, day = caller_of(request), read_day(request.match_info["day"])
        await self._guard.use_up(caller)
        found = await self._office.hospital_reads(caller.tenant.hospital, day, request.match_info["insurer"])
        return web.Response(body=found, headers={"Content-Type": "text/csv; charset=utf-8"})

    async def bring(self, request: web.Request) -> web.Response:
        """The hospital's book as CSV; the answer says what differs."""
        caller, day = caller_of(request), read_day(request.match_info["day"])
        await self._guard.use_up(caller)
        told = await self._office.hospital_brings(
            caller.tenant.hospital, day, request.match_info["insurer"], bytes(body_of(request))
        )
        return web.Response(body=msgspec.json.encode(told), headers={"Content-Type": "application/json"})
