"""The payment room's door. Only clearing knocks: signed orders in, receipts out, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import msgspec
from aiohttp import web

from gateway.kernel.clock import Clock
from gateway.kernel.errors import BadRequest, LianpeiError, NotFound, SealRefused
from gateway.kernel.secret import Secret
from gateway.payment.desk import Desk
from gateway.payment.metrics import CONTENT_TYPE, Metrics
from gateway.payment.model import NewAccount, OrderTaken, PaymentOrder, ReceiptPage
from gateway.payment.signing import verify
from gateway.payment.statement import Statements
from gateway.store.errors import Duplicate
from gateway.store.unit import Unit
from gateway.wire.politeness import due_headers

LARGEST_BODY = 16 * 1024
PAGE = 500
_AFTER = frozenset({"after"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Intake:
    """``app`` is ready to serve; ``on_order`` is called after an order is durable."""

    def __init__(
        self,
        desk: Desk,
        secret: Secret[str],
        clock: Clock,
        window: timedelta,
        metrics: Metrics,
        on_order: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._ledger = desk.ledger
        self._secret = secret
        self._clock = clock
        self._window = window
        self._metrics = metrics
        self._on_order = on_order
        self._orders = msgspec.json.Decoder(PaymentOrder)
        self._accounts = msgspec.json.Decoder(NewAccount)
        self.statements: Mapping[str, Statements] = {}

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._answers])
        app.router.add_post("/orders", self._post_order)
        app.router.add_post("/orders/{settlement_id}/account", self._post_account)
        app.router.add_post("/orders/{settlement_id}/void", self._post_void)
        app.router.add_get("/receipts", self._get_receipts)
        app.router.add_get("/statement", self._get_statement)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._get_metrics)
        return app

    @web.middleware
    async def _answers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Errors become their status and stable code, and every answer is counted by its route."""
        try:
            response = await handler(request)
        except LianpeiError as wrong:
            told = {"code": wrong.error_code, "message": wrong.message, "hint": wrong.hint}
            due = due_headers(wrong, wrong.http_status, "Signature")
            response = web.json_response(told, status=wrong.http_status, headers=due)
        except web.HTTPException as wrong:
            due = due_headers(wrong, wrong.status, "Signature")
            response = web.json_response({"code": "http"}, status=wrong.status, headers=due)
        resource = request.match_info.route.resource
        self._metrics.request(resource.canonical if resource else "other", response.status)
        return response

    async def _genuine(self, request: web.Request) -> tuple[bytes, Unit]:
        """The body of a signed, fresh request, and a unit that will use its nonce up."""
        body = await request.read()
        now = self._clock.now()
        nonce = verify(self._secret, request.headers, now, self._window, request.method, request.raw_path, body)
        unit = Unit()
        expires = now + 2 * self._window
        self._ledger.nonce(unit, nonce, int(expires.timestamp() * 1000))
        return body, unit

    async def _post_order(self, request: web.Request) -> web.Response:
        body, unit = await self._genuine(request)
        try:
            order = self._orders.decode(body)
        except msgspec.MsgspecError:
            raise BadRequest(
                "the order is not of the payment schema", hint="schemas/payment/order.schema.json"
            ) from None
        if await self._desk.take(unit, order, self._commit):
            self._on_order()
        return _json(OrderTaken(settlement_id=order.settlement_id))

    async def _post_account(self, request: web.Request) -> web.Response:
        """Another account for a payout that waits for one."""
        body, unit = await self._genuine(request)
        try:
            account = self._accounts.decode(body)
        except msgspec.MsgspecError:
            raise BadRequest("the account is not of the payment schema", hint="schemas/payment") from None
        number = request.match_info["settlement_id"]
        if self._desk.rebind(unit, number, account):
            self._metrics.rebound()
        await self._commit(unit)
        self._on_order()
        return _json(OrderTaken(settlement_id=number))

    async def _post_void(self, request: web.Request) -> web.Response:
        """Call an order off that nobody pays any more."""
        _, unit = await self._genuine(request)
        number = request.match_info["settlement_id"]
        self._desk.void(unit, number)
        await self._commit(unit)
        return _json(OrderTaken(settlement_id=number))

    async def _commit(self, unit: Unit) -> None:
        try:
            await self._ledger.store.commit(unit)
        except Duplicate as twice:
            if twice.table == "nonce":
                raise SealRefused(
                    "this request came before", code="seal-replay", hint="Sign each request anew."
                ) from None
            raise

    async def _get_receipts(self, request: web.Request) -> web.Response:
        _, unit = await self._genuine(request)
        after = request.query.get("after", "")
        if not (after.isascii() and after.isdigit() and len(after) < 16) or set(request.query) != _AFTER:
            raise BadRequest("ask with ?after=<number of the last receipt>", fields=("after",))
        await self._commit(unit)
        return _json(ReceiptPage(receipts=self._ledger.receipts(int(after), PAGE)))

    async def _get_statement(self, request: web.Request) -> web.Response:
        """A channel's statement of a day; 404 while there is none."""
        _, unit = await self._genuine(request)
        await self._commit(unit)
        statements = self.statements.get(request.query.get("channel", ""))
        found = await statements.of_day(request.query.get("day", "")) if statements is not None else None
        if found is None:
            raise NotFound("the channel has no statement of this day", code="no-file-yet")
        return _json(found)

    async def _healthz(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"alive": True})

    async def _readyz(self, request: web.Request) -> web.Response:
        del request
        ready = self._ledger.store.ready
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def _get_metrics(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})


def _json(value: msgspec.Struct) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
