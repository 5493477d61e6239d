"""The operators' routes about reconciliation (docs/reconciliation.md)."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from gateway.claims.door.bodies import Bodies
from gateway.claims.operators.roles import Operator, Role
from gateway.claims.reconciliation.days import read_day
from gateway.claims.reconciliation.desk import Entry, Owned, require_state
from gateway.claims.reconciliation.office import ReconOffice
from gateway.kernel.errors import BadRequest

MOST_STATEMENT_BYTES = 32 * 1024 * 1024
_MOST_BYTES = 64 * 1024
_JSON = {"Content-Type": "application/json"}
_Wish = TypeVar("_Wish")


class AdminRecon:
    def __init__(self, office: ReconOffice, bodies: Bodies, who: Callable[[web.Request], Operator]) -> None:
        self._office = office
        self._bodies = bodies
        self._who = who

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/admin/recon", self.books)
        app.router.add_get("/admin/recon/{recon_id}", self.book)
        app.router.add_get("/admin/recon/{recon_id}/report", self.report)
        app.router.add_post("/admin/recon/days/{day}/{peer}/run", self.run)
        app.router.add_post("/admin/recon/days/{day}/{peer}/statement", self.statement)
        app.router.add_post("/admin/recon/items/{item_id}/owner", self.own)
        app.router.add_post("/admin/recon/entries", self.propose)
        app.router.add_post("/admin/recon/entries/{entry_id}/approve", self.approve)
        app.router.add_post("/admin/recon/entries/{entry_id}/withdraw", self.withdraw)

    async def books(self, request: web.Request) -> web.Response:
        """Books by day, peer and state, each of which may be left out."""
        self._who(request).require(Role.VIEW)
        asked = request.query
        require_state(asked.get("state", ""))
        read, desk = self._office.ledger.read, self._office.desk
        found = await read(desk.overview, asked.get("day", ""), asked.get("peer", ""), asked.get("state", ""))
        return _json({"books": found})

    async def book(self, request: web.Request) -> web.Response:
        """One peer's and hospital's books of a day: totals, differences, entries."""
        self._who(request).require(Role.VIEW)
        return _json(await self._office.ledger.read(self._office.desk.story, request.match_info["recon_id"]))

    async def report(self, request: web.Request) -> web.Response:
        """The report as html, csv or lines."""
        form = request.query.get("form", "html")
        if form not in ("html", "csv", "lines"):
            raise BadRequest("no such form", code="recon-form", hint="html, csv or lines")
        body, media = await self._office.export(self._who(request), request.match_info["recon_id"], form)
        return web.Response(body=body, headers={"Content-Type": media})

    async def run(self, request: web.Request) -> web.Response:
        """Lock a day and compare it with the peer's statement."""
        day = read_day(request.match_info["day"])
        return _json({"books": await self._office.run(self._who(request), day, request.match_info["peer"])})

    async def statement(self, request: web.Request) -> web.Response:
        """Bring a book in our CSV form, a hospital's own where ``hospital`` names it."""
        who, day = self._who(request), read_day(request.match_info["day"])
        who.require(Role.RE_DRIVE)
        hospital = request.query.get("hospital", "")
        async with self._bodies.body_of(request, request.remote or "", MOST_STATEMENT_BYTES) as body:
            found = await self._office.bring(who, day, request.match_info["peer"], bytes(body), hospital)
        return _json({"books": found})

    async def own(self, request: web.Request) -> web.Response:
        """Say who looks into a difference."""
        wish = await self._read(request, Owned)
        return _json(await self._office.desk.own(self._who(request), request.match_info["item_id"], wish.owner))

    async def propose(self, request: web.Request) -> web.Response:
        """Propose an entry that closes a difference."""
        return _json(await self._office.desk.propose(self._who(request), await self._read(request, Entry)), 201)

    async def approve(self, request: web.Request) -> web.Response:
        """Approve somebody else's entry."""
        return await self._settle(request, approve=True)

    async def withdraw(self, request: web.Request) -> web.Response:
        """Withdraw an entry."""
        return await self._settle(request, approve=False)

    async def _settle(self, request: web.Request, *, approve: bool) -> web.Response:
        entry_id = request.match_info["entry_id"]
        return _json(await self._office.desk.settle(self._who(request), entry_id, approve=approve))

    async def _read(self, request: web.Request, kind: type[_Wish]) -> _Wish:
        async with self._bodies.body_of(request, request.remote or "", _MOST_BYTES) as body:
            try:
                return msgspec.json.decode(body, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise BadRequest(
                    "the body is not what this route takes", code="admin-body", hint="See docs/reconciliation.md."
                ) from None


def _json(told: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(told), headers=_JSON)
