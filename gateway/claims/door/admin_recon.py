"""The operators' routes about reconciliation (docs/reconciliation.md)."""

from aiohttp import web

from gateway.claims.door.admin_call import json_answer, read_wish, who
from gateway.claims.door.bodies import Bodies, Room
from gateway.claims.operators.roles import Role
from gateway.claims.reconciliation.days import read_day
from gateway.claims.reconciliation.desk import Entry, Owned, require_state
from gateway.claims.reconciliation.office import ReconOffice
from gateway.kernel.errors import BadRequest

MOST_STATEMENT_BYTES = 32 * 1024 * 1024


class AdminRecon:
    def __init__(self, office: ReconOffice, bodies: Bodies) -> None:
        self._office = office
        self._bodies = bodies

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
        who(request).require(Role.VIEW)
        asked = request.query
        require_state(asked.get("state", ""))
        read, desk = self._office.ledger.read, self._office.desk
        found = await read(desk.overview, asked.get("day", ""), asked.get("peer", ""), asked.get("state", ""))
        return json_answer({"books": found})

    async def book(self, request: web.Request) -> web.Response:
        """One peer's and hospital's books of a day: totals, differences, entries."""
        who(request).require(Role.VIEW)
        return json_answer(await self._office.ledger.read(self._office.desk.story, request.match_info["recon_id"]))

    async def report(self, request: web.Request) -> web.Response:
        """The report as html, csv or lines."""
        form = request.query.get("form", "html")
        if form not in ("html", "csv", "lines"):
            raise BadRequest("no such form", code="recon-form", hint="html, csv or lines")
        body, media = await self._office.export(who(request), request.match_info["recon_id"], form)
        return web.Response(body=body, headers={"Content-Type": media})

    async def run(self, request: web.Request) -> web.Response:
        """Lock a day and compare it with the peer's statement."""
        day = read_day(request.match_info["day"])
        return json_answer({"books": await self._office.run(who(request), day, request.match_info["peer"])})

    async def statement(self, request: web.Request) -> web.Response:
        """Bring a book in our CSV form, a hospital's own where ``hospital`` names it."""
        operator, day = who(request), read_day(request.match_info["day"])
        operator.require(Role.RE_DRIVE)
        hospital = request.query.get("hospital", "")
        with Room(self._bodies, request.remote or "", MOST_STATEMENT_BYTES) as room:
            body = await room.read(request)
            found = await self._office.bring(operator, day, request.match_info["peer"], bytes(body), hospital)
        return json_answer({"books": found})

    async def own(self, request: web.Request) -> web.Response:
        """Say who looks into a difference."""
        wish = await read_wish(self._bodies, request, Owned)
        return json_answer(await self._office.desk.own(who(request), request.match_info["item_id"], wish.owner))

    async def propose(self, request: web.Request) -> web.Response:
        """Propose an entry that closes a difference."""
        return json_answer(
            await self._office.desk.propose(who(request), await read_wish(self._bodies, request, Entry)), 201
        )

    async def approve(self, request: web.Request) -> web.Response:
        """Approve somebody else's entry."""
        return await self._settle(request, approve=True)

    async def withdraw(self, request: web.Request) -> web.Response:
        """Withdraw an entry."""
        return await self._settle(request, approve=False)

    async def _settle(self, request: web.Request, *, approve: bool) -> web.Response:
        entry_id = request.match_info["entry_id"]
        return json_answer(await self._office.desk.settle(who(request), entry_id, approve=approve))
