"""The operators' door: look at claims, have an insurer asked again, correct money with two persons (docs/admin.md)."""

from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.claims.conversation.correction import Corrections, Proposal
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.extra import Extra
from gateway.claims.conversation.payouts import late_payouts
from gateway.claims.conversation.reasking import ask_again
from gateway.claims.custody.wish import sound_reason
from gateway.claims.delivery.office import Office
from gateway.claims.door.admin_call import WHO, json_answer, read_wish, who
from gateway.claims.door.admin_openapi import Reasoned, admin_document
from gateway.claims.door.admin_recon import AdminRecon
from gateway.claims.door.admin_webhooks import AdminWebhooks
from gateway.claims.door.bodies import Bodies
from gateway.claims.door.enveloped import WeakEnvelope
from gateway.claims.door.problems import add_explanations, answer_errors
from gateway.claims.door.worklist import WorkRoutes, shown
from gateway.claims.operators.desk import Desk
from gateway.claims.operators.roles import Operators, Role, unknown
from gateway.claims.operators.worklist import WorkDesk
from gateway.claims.reconciliation.office import ReconOffice
from gateway.store.api import Read
from gateway.telemetry.metrics import Metrics
from gateway.wire.seals import weak_use
from gateway.wire.seals.settings import day_of
from gateway.wire.tls import peer_common_name


class Admin:
    """Handlers of ``/admin/…``; ``introduce`` says who calls before any of them runs."""

    def __init__(
        self,
        operators: Operators,
        engine: Engine,
        bodies: Bodies,
        office: Office,
        recon: ReconOffice,
        envelopes: Sequence[WeakEnvelope] = (),
    ) -> None:
        self._operators = operators
        self._engine = engine
        self._bodies = bodies
        self._envelopes = envelopes
        self._desk = Desk(engine.ledger)
        self._corrections = Corrections(engine)
        self._work = WorkDesk(engine, self._corrections, operators)
        self._parts = (
            AdminWebhooks(office, engine.ledger),
            AdminRecon(recon, bodies),
            WorkRoutes(self._work, bodies),
        )

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/admin/claims", self.claims)
        app.router.add_get("/admin/claims/{claim_id}", self.claim)
        app.router.add_get("/admin/claims/{claim_id}/messages/{number}", self.message)
        app.router.add_post("/admin/claims/{claim_id}/enquire", self.enquire)
        app.router.add_post("/admin/claims/{claim_id}/acts/{act}", self.send)
        app.router.add_get("/admin/corrections", self.corrections)
        app.router.add_post("/admin/corrections", self.propose)
        app.router.add_post("/admin/corrections/{correction_id}/approve", self.approve)
        app.router.add_post("/admin/corrections/{correction_id}/withdraw", self.withdraw)
        app.router.add_get("/admin/weak-crypto", self.weak_crypto)
        app.router.add_get("/admin/late-payouts", self.late_payouts)
        for part in self._parts:
            part.add_to(app)

        app.router.add_get("/admin/openapi.json", self.openapi)

    def introduce(self, request: web.Request) -> None:
        """Raises ``NotAllowed``. A token that is shown counts, else the certificate."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            request[WHO] = self._operators.by_token(token.strip())
            return
        name = peer_common_name(request.transport)
        tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        if not name or tls is None:
            raise unknown()
        request[WHO] = self._operators.by_certificate(name, tls.getpeercert(binary_form=True))

    async def claims(self, request: web.Request) -> web.Response:
        """Claims that wait, a hundred at a time."""
        asked = request.query
        return json_answer(
            await self._engine.ledger.read(
                self._desk.waiting,
                who(request),
                asked.get("state", ""),
                asked.get("insurer", ""),
                asked.get("after", ""),
            )
        )

    async def claim(self, request: web.Request) -> web.Response:
        """A claim's changes, acts, and messages by number and digest."""
        return json_answer(
            await self._engine.ledger.read(self._desk.story, who(request), request.match_info["claim_id"])
        )

    async def message(self, request: web.Request) -> web.Response:
        """One message, opened for a reason that is in the audit first."""
        reason = sound_reason(request.headers.get("X-Reason", ""), "X-Reason:")
        claim_id, number = request.match_info["claim_id"], request.match_info["number"]
        return json_answer(await self._desk.message(who(request), claim_id, number, reason))

    async def enquire(self, request: web.Request) -> web.Response:
        """Have the insurer asked now."""
        reason = sound_reason((await read_wish(self._bodies, request, Reasoned)).reason, "reason:")
        await ask_again(self._engine, who(request), request.match_info["claim_id"], reason)
        return json_answer({"asked": request.match_info["claim_id"]}, 202)

    async def send(self, request: web.Request) -> web.Response:
        """Send an act that belongs to no conversation and tell what the insurer answered."""
        reason = sound_reason((await read_wish(self._bodies, request, Reasoned)).reason, "reason:")
        wish = Extra(self._engine, who(request), request.match_info["claim_id"], request.match_info["act"], reason)
        return json_answer(await wish.send())

    async def corrections(self, request: web.Request) -> web.Response:
        """Corrections by state."""
        who(request).require(Role.VIEW)
        found = await self._corrections.listed(request.query.get("state", "proposed"))
        return json_answer({"corrections": [shown(row) for row in found]})

    async def propose(self, request: web.Request) -> web.Response:
        """Propose what becomes of a claim that a person must decide."""
        row = await self._corrections.propose(who(request), await read_wish(self._bodies, request, Proposal))
        return json_answer(shown(row), 201)

    async def approve(self, request: web.Request) -> web.Response:
        """Approve somebody else's correction."""
        return json_answer(shown(await self._corrections.approve(who(request), request.match_info["correction_id"])))

    async def withdraw(self, request: web.Request) -> web.Response:
        """Withdraw a correction."""
        return json_answer(shown(await self._corrections.withdraw(who(request), request.match_info["correction_id"])))

    async def weak_crypto(self, request: web.Request) -> web.Response:
        """Partners and hospitals' formats that a weak algorithm is excepted for: which, until when and why."""
        who(request).require(Role.VIEW)
        today = day_of(self._engine.clock.now())
        partners = [(one.manifest.insurer, weak_use(one.manifest.seal)) for one in self._engine.registry]
        shown = [{"insurer": code, **use.told(today)} for code, use in partners if use is not None]
        shown += [{"hospital": one.hospital, "format": one.format, **one.use.told(today)} for one in self._envelopes]
        return json_answer({"weak": shown})

    async def late_payouts(self, request: web.Request) -> web.Response:
        """Quick-claims whose T+1 promise is broken, the oldest first."""
        who(request).require(Role.VIEW)
        ledger = self._engine.ledger
        return json_answer({"late": await ledger.read(late_payouts, ledger, ledger.clock.epoch_ms())})

    async def openapi(self, request: web.Request) -> web.Response:
        """This document."""
        return json_answer(admin_document(request.app))


def operator_app(
    metrics: Metrics, ready: Callable[[], bool], read: Read, admin: Admin | None = None
) -> web.Application:
    """Probes for machines, open; and with operators in the settings ``/admin/…`` for persons."""

    @web.middleware
    async def introduced(request: web.Request, handler: Handler) -> web.StreamResponse:
        if admin is not None and request.path.startswith("/admin/"):
            admin.introduce(request)
        return await handler(request)

    app = web.Application(middlewares=[answer_errors, introduced])

    async def show_metrics(_: web.Request) -> web.Response:
        body, headers = await read(metrics.render)
        return web.Response(body=body, headers=headers)

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def is_ready(_: web.Request) -> web.Response:
        good = ready()
        return web.Response(text="ready\n" if good else "not ready\n", status=200 if good else 503)

    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", is_ready)
    add_explanations(app)
    if admin is not None:
        admin.add_to(app)
    return app
