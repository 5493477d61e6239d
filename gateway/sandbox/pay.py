"""The payment channel: it takes orders that name nothing but money, each number once."""

import asyncio
import itertools
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiohttp import web

from gateway.kernel.errors import BadMoney
from gateway.kernel.money import MAX_FEN, Fen, fen_from_yuan
from gateway.sandbox.common import statement, strictjson
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import Desk
from gateway.sandbox.common.ledger import Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.pay_statement import statement_of_day
from gateway.sandbox.terms import Product, is_slow

TITLE = "医疗费用结算"
CHANNEL = Product("channel", Decimal(1), Fen(MAX_FEN))
"""A channel pays what it is told: each order number is an account of its own in the books."""
_ALLOWED = frozenset({"out_trade_no", "title", "total_amount", "biz_type", "source"})
_PATTERNS = {
    "out_trade_no": r"[A-Za-z0-9_.:\-]{1,64}",
    "title": TITLE,
    "total_amount": r"[0-9]{1,13}\.[0-9]{2}",
    "biz_type": r"SELF_PAY|PAYOUT",
    "source": r"[A-Za-z0-9_.\-]{1,64}",
    "account_token": r"[A-Za-z0-9_.:\-]{1,64}",
}
_STATUS = {"name-not-allowed": 400, "name-missing": 400, "value-not-allowed": 400, "request-id-missing": 400}
_STATUS |= {"amount-differs": 409, "not-found": 404}


@dataclass(slots=True)
class Order:
    request: dict[str, str]
    settlement: Settlement
    status: str

    def as_json(self) -> dict[str, str]:
        return {
            "trade_no": self.settlement.reference,
            "out_trade_no": self.request["out_trade_no"],
            "total_amount": self.request["total_amount"],
            "status": self.status,
        }


class PaySimulator:
    code = "pay"

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._desk = Desk(self.code, frozenset({"order", "enquiry", statement.OP}))
        self._desk.ledger.clock = settings.clock
        self._orders: dict[str, Order] = {}
        self._serial = itertools.count(1)
        self._running: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        app = self._desk.app()
        app.router.add_post("/orders", self._post)
        app.router.add_get("/orders/{number}", self._get)
        app.router.add_get("/statement", self._statement)
        return app

    async def _statement(self, request: web.Request) -> web.Response:
        return statement_of_day(self._desk, request.query.get("bill_date", ""))

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _post(self, request: web.Request) -> web.Response:
        message = await self._desk.receive(request, "order")
        request_id = request.headers.get("X-Request-Id", "")
        return await self._desk.serve(request, "order", lambda: self._answer(message.body, request_id))

    async def _get(self, request: web.Request) -> web.Response:
        await self._desk.receive(request, "enquiry")
        return await self._desk.serve(request, "enquiry", lambda: self._enquire(request.match_info["number"]))

    async def _enquire(self, number: str) -> web.Response:
        order = self._orders.get(number)
        if order is None:
            return _refused(Violation("not-found", "no order has this number"))
        return web.json_response(order.as_json())

    async def _answer(self, body: bytes, request_id: str) -> web.Response:
        try:
            if not request_id:
                raise Violation("request-id-missing", "X-Request-Id names the act")
            order = self._take(read_order(body))
        except Violation as refusal:
            return _refused(refusal)
        return web.json_response(order.as_json())

    def _take(self, request: dict[str, str]) -> Order:
        known = self._orders.get(request["out_trade_no"])
        if known is not None:
            if known.request != request:
                raise Violation("amount-differs", "the number was used for another order")
            return known
        order = self._orders[request["out_trade_no"]] = self._open(request)
        account = request.get("account_token", "")
        if account.startswith("CLOSED"):
            order.status, order.settlement.state = "FAILED", "refused"
        elif is_slow(account):
            self._pay_later(order)
        else:
            self._pay(order)
        return order

    def _open(self, request: dict[str, str]) -> Order:
        number = request["out_trade_no"]
        trade_no = f"TESTTRADE{next(self._serial):010d}"
        refs = {"out_trade_no": number, "biz_type": request["biz_type"]}
        entry = Settlement(trade_no, number, number, CHANNEL, refs)
        return Order(request, self._desk.ledger.open(entry), "PROCESSING")

    def _pay(self, order: Order) -> None:
        self._desk.ledger.apply(order.settlement, fen_from_yuan(order.request["total_amount"]))
        order.status = "SUCCESS"

    def _pay_later(self, order: Order) -> None:
        async def pay() -> None:
            await asyncio.sleep(self._settings.slow_s)
            self._pay(order)

        task = asyncio.get_running_loop().create_task(pay())
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def read_order(body: bytes) -> dict[str, str]:
    """Exactly the agreed names, each a text of the agreed form: anything more could tell an illness."""
    try:
        order = strictjson.loads(body)
    except ValueError as error:
        raise Violation("value-not-allowed", "the body is not JSON") from error
    if not isinstance(order, dict):
        raise Violation("value-not-allowed", "the body is not an object")
    expected = _ALLOWED | ({"account_token"} if order.get("biz_type") == "PAYOUT" else set())
    if set(order) - expected:
        raise Violation("name-not-allowed", "the order carries a name that is not agreed")
    if expected - set(order):
        raise Violation("name-missing", "the order lacks an agreed name")
    for name, value in order.items():
        _check_value(name, value)
    return order


def _check_value(name: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(_PATTERNS[name], value):
        raise Violation("value-not-allowed", f"{name} is not of the agreed form")
    if name == "total_amount":
        try:
            positive = fen_from_yuan(value) > 0
        except BadMoney:
            positive = False
        if not positive:
            raise Violation("value-not-allowed", "total_amount is not an amount")


def _refused(refusal: Violation) -> web.Response:
    body = {"code": refusal.peer_code, "message": refusal.message}
    return web.json_response(body, status=_STATUS[refusal.peer_code])
