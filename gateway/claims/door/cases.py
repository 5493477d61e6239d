"""The hospital door's routes about the case: timeline, policies, unpaid bills, money asked back of a patient."""

from datetime import date
from typing import Any

from aiohttp import web

from gateway.claims.casebook import policies, timeline
from gateway.claims.door.auth import Guard
from gateway.claims.door.counter import json_told, read_body
from gateway.claims.door.entrance import caller_of
from gateway.claims.door.own_bill import own_bill
from gateway.claims.door.paymentviews import payment_views
from gateway.claims.ledger import Ledger
from gateway.claims.reconciliation.days import read_day
from gateway.claims.recoveries import Agreement, agree, recovery_of
from gateway.claims.unpaid import unpaid
from gateway.store.api import Row


class Cases:
    def __init__(self, guard: Guard, ledger: Ledger) -> None:
        self._guard = guard
        self._ledger = ledger

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/v1/orders/{order_id}/timeline", self.timeline)
        app.router.add_get("/v1/orders/{order_id}/policies", self.policies)
        app.router.add_get("/v1/orders/{order_id}/recoveries", self.recoveries)
        app.router.add_get("/v1/unpaid", self.unpaid)
        app.router.add_get("/v1/recoveries/{recovery_id}", self.recovery)
        app.router.add_post("/v1/recoveries/{recovery_id}/agree", self.agree)

    async def timeline(self, request: web.Request) -> web.Response:
        """``GET /v1/orders/{order_id}/timeline``: what happened, with sentences that a patient may read."""
        bill = await own_bill(self._guard, self._ledger, request)
        found = await self._ledger.read(timeline, self._ledger, bill)
        return json_told({"order_id": bill["order_id"], "state": bill["state"], "timeline": found})

    async def policies(self, request: web.Request) -> web.Response:
        """``GET /v1/orders/{order_id}/policies``: the policies behind an order, and what insurers listed."""
        bill = await own_bill(self._guard, self._ledger, request)
        found = await self._ledger.read(policies, self._ledger, bill)
        return json_told({"order_id": bill["order_id"], "state": bill["state"], "policies": found})

    async def unpaid(self, request: web.Request) -> web.Response:
        """``GET /v1/unpaid?from=2026-11-01&to=2026-11-07``: bills whose own part nobody has paid."""
        caller = caller_of(request)
        await self._guard.use_up(caller)
        first: date = read_day(request.query.get("from", ""))
        last: date = read_day(request.query.get("to", ""))
        return json_told(await self._ledger.read(unpaid, self._ledger, caller.tenant.hospital, first, last))

    async def recoveries(self, request: web.Request) -> web.Response:
        """``GET /v1/orders/{order_id}/recoveries``: what the patient is asked back of this order."""
        bill = await own_bill(self._guard, self._ledger, request)
        rows = await self._ledger.read(
            self._ledger.store.find, "recovery", {"order_id": bill["order_id"]}, "created_at", 100
        )
        return json_told({"recoveries": [await self._shown(row) for row in rows]})

    async def recovery(self, request: web.Request) -> web.Response:
        """``GET /v1/recoveries/{recovery_id}``: one of them, and how it is being paid."""
        caller, recovery_id = caller_of(request), request.match_info["recovery_id"]
        await self._guard.use_up(caller)
        row = await self._ledger.read(recovery_of, self._ledger, caller.tenant.hospital, recovery_id)
        return json_told(await self._shown(row))

    async def agree(self, request: web.Request) -> web.Response:
        """``POST /v1/recoveries/{recovery_id}/agree``: the patient's consent; only then it is collected."""
        caller, said = caller_of(request), read_body(request, Agreement)
        await self._guard.use_up(caller)
        row = await agree(self._ledger, caller.tenant.hospital, request.match_info["recovery_id"], said)
        return json_told(await self._shown(row), 202)

    async def _shown(self, row: Row) -> dict[str, Any]:
        payments = await self._ledger.read(payment_views, self._ledger.store, row["recovery_id"])
        paid = any(one["state"] == "paid" for one in payments)
        zh, en = _SAID["paid" if paid else row["state"]]
        names = ("recovery_id", "order_id", "claim_id", "insurer", "created_at")
        state = "paid" if paid else row["state"]
        told = {name: row[name] for name in names} | {"amount_fen": row["amount"], "state": state}
        return told | {"payments": payments, "message": {"zh": zh, "en": en}}


_SAID = {
    "asked": (
        "保险公司事后核减，请征得患者同意后补缴差额",
        "The insurer declined a part afterwards: ask the patient to agree to pay it back.",
    ),
    "agreed": ("患者已同意，正在收取差额", "The patient agreed; it is being collected."),
    "paid": ("差额已收", "The difference is paid."),
}
