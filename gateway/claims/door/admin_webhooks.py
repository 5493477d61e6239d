"""The operators' routes about webhooks: which endpoints fail, what was not taken, bring it again, enable an endpoint."""

from aiohttp import web

from gateway.claims.delivery.office import Office
from gateway.claims.delivery.rows import State
from gateway.claims.door.admin_call import json_answer, who
from gateway.claims.ledger import Ledger
from gateway.claims.operators.roles import Role
from gateway.kernel.errors import BadRequest


class AdminWebhooks:
    def __init__(self, office: Office, ledger: Ledger) -> None:
        self._office = office
        self._ledger = ledger

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/admin/webhooks", self.endpoints)
        app.router.add_get("/admin/webhooks/{hospital}/deliveries", self.deliveries)
        app.router.add_post("/admin/webhooks/{hospital}/enable", self.enable)
        app.router.add_post("/admin/events/{event_id}/resend", self.resend)

    async def endpoints(self, request: web.Request) -> web.Response:
        """Hospitals' webhooks: whether they are taken up, what waits for them."""
        who(request).require(Role.VIEW)
        return json_answer({"webhooks": await self._office.overview()})

    async def deliveries(self, request: web.Request) -> web.Response:
        """One hospital's deliveries by state (waiting, given_up, delivered), a page after ``after``."""
        who(request).require(Role.VIEW)
        state, after = request.query.get("state", State.WAITING.value), request.query.get("after", "0")
        if state not in set(State) or not (after.isascii() and after.isdigit()):
            raise BadRequest("no such list", code="webhook-list", hint="state: " + ", ".join(State))
        found = await self._office.deliveries(request.match_info["hospital"], state, int(after))
        return json_answer({"deliveries": found})

    async def enable(self, request: web.Request) -> web.Response:
        """Take a webhook up again that was given up."""
        who(request).require(Role.RE_DRIVE)
        enabled = await self._office.enable(request.match_info["hospital"])
        await self._record(request, "webhook-enabled", enabled["hospital"])
        return json_answer(enabled)

    async def resend(self, request: web.Request) -> web.Response:
        """Bring an event once more."""
        who(request).require(Role.RE_DRIVE)
        sent = await self._office.resend(request.match_info["event_id"])
        await self._record(request, "event-resent", sent["event_id"])
        return json_answer(sent, 202)

    async def _record(self, request: web.Request, kind: str, detail: str) -> None:
        work = self._ledger.work()
        work.audit(kind, who(request).signature, "", detail)
        await work.flush()
