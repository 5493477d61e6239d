"""``/admin/worklist``: what waits for a person, and the buttons (docs/admin.md)."""

from typing import Any

from aiohttp import web

from gateway.claims.conversation.correction import Proposal
from gateway.claims.custody.wish import sound_reason
from gateway.claims.door.admin_call import json_answer, read_wish, who
from gateway.claims.door.admin_openapi import Reasoned
from gateway.claims.door.bodies import Bodies
from gateway.claims.operators.worklist import Accepted, Assigned, WorkDesk

_ITEM = "/admin/worklist/{item_id}"


class WorkRoutes:
    def __init__(self, desk: WorkDesk, bodies: Bodies) -> None:
        self._desk = desk
        self._bodies = bodies

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/admin/worklist", self.listed)
        app.router.add_post(f"{_ITEM}/enquire", self.enquire)
        app.router.add_post(f"{_ITEM}/redrive", self.redrive)
        app.router.add_post(f"{_ITEM}/reverse", self.reverse)
        app.router.add_post(f"{_ITEM}/accept", self.accept)
        app.router.add_post(f"{_ITEM}/release", self.release)
        app.router.add_post(f"{_ITEM}/recover", self.recover)
        app.router.add_post(f"{_ITEM}/assign", self.assign)

    async def listed(self, request: web.Request) -> web.Response:
        """Everything that waits for a person."""
        asked, ledger = request.query, self._desk.engine.ledger
        words = (asked.get("insurer", ""), asked.get("owner", ""), asked.get("after", ""))
        return json_answer(await ledger.read(self._desk.listed, who(request), *words))

    async def enquire(self, request: web.Request) -> web.Response:
        """Have the insurer asked now, or an undo's leg again."""
        reason, item_id = await self._reason(request), request.match_info["item_id"]
        await self._desk.enquire(who(request), item_id, reason)
        return json_answer({"asked": item_id}, 202)

    async def redrive(self, request: web.Request) -> web.Response:
        """Have it tried again once what was wrong is mended."""
        reason, item_id = await self._reason(request), request.match_info["item_id"]
        await self._desk.redrive(who(request), item_id, reason)
        return json_answer({"redriven": item_id}, 202)

    async def reverse(self, request: web.Request) -> web.Response:
        """Have the insurer take back what the claim moved."""
        reason, item_id = await self._reason(request), request.match_info["item_id"]
        await self._desk.reverse(who(request), item_id, reason)
        return json_answer({"reversing": item_id}, 202)

    async def accept(self, request: web.Request) -> web.Response:
        """Propose its end with evidence; a second person approves."""
        said, item_id = await read_wish(self._bodies, request, Accepted), request.match_info["item_id"]
        if item_id.startswith("clm_"):
            wish = Proposal("decide", said.evidence, claim_id=item_id, approved_fen=said.approved_fen)
        elif item_id.startswith(("answer:", "consent:")):
            wish = Proposal("noted", said.evidence, item_id=item_id)
        else:
            wish = Proposal(said.leg, said.evidence, item_id=item_id, approved_fen=said.approved_fen)
        return json_answer(shown(await self._desk.accept(who(request), wish)), 201)

    async def release(self, request: web.Request) -> web.Response:
        """Propose to let go a bill that was stopped for its invoice; a second person approves."""
        said, item_id = await read_wish(self._bodies, request, Accepted), request.match_info["item_id"]
        wish = Proposal("release", said.evidence, claim_id=item_id)
        return json_answer(shown(await self._desk.accept(who(request), wish)), 201)

    async def recover(self, request: web.Request) -> web.Response:
        """Propose to ask the patient for what an insurer declined after it had paid; a second person approves."""
        said, item_id = await read_wish(self._bodies, request, Accepted), request.match_info["item_id"]
        wish = Proposal("recover", said.evidence, item_id=item_id, approved_fen=said.approved_fen)
        return json_answer(shown(await self._desk.accept(who(request), wish)), 201)

    async def assign(self, request: web.Request) -> web.Response:
        """Hand it over to an operator."""
        said = await read_wish(self._bodies, request, Assigned)
        row = await self._desk.assign(who(request), request.match_info["item_id"], said.owner)
        return json_answer({"item_id": row["item_id"], "owner": row["owner"]})

    async def _reason(self, request: web.Request) -> str:
        return sound_reason((await read_wish(self._bodies, request, Reasoned)).reason, "reason:")


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A correction without the fingerprint of what its proposer showed."""
    return {name: value for name, value in row.items() if name != "proposed_with"}
