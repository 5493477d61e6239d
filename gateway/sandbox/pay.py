"""The payment channel: it takes orders that name nothing but money, each number once.

What a token begins with says how it goes: an account ``CLOSED`` fails, ``WRONG`` is no account, ``RETURN`` is paid and
comes back, ``SLOW`` is paid later; a user ``SLOW`` pays later, ``EMPTY2`` has no money at the first two attempts.
"""

import asyncio
import itertools
import re
from collections.abc import Callable, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiohttp import web

from gateway.kernel.errors import BadMoney
from gateway.kernel.money import MAX_FEN, Fen, fen_from_yuan, yuan
from gateway.sandbox.common import statement, strictjson
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import Desk
from gateway.sandbox.common.ledger import Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import is_playing, told
from gateway.sandbox.common.trouble import Do, Repertoire
from gateway.sandbox.pay_statement import statement_of_day
from gateway.sandbox.terms import Product, is_slow

TITLE = "医疗费用结算"
CHANNEL = Product("channel", Decimal(1), Fen(MAX_FEN))
"""A channel pays what it is told: each order number is an account of its own in the books."""
_ALLOWED = frozenset({"out_trade_no", "title", "total_amount", "biz_type", "source"})
_NUMBER = r"[A-Za-z0-9_.:\-]{1,64}"
_PATTERNS = {
    "out_trade_no": _NUMBER,
    "out_request_no": _NUMBER,
    "title": TITLE,
    "total_amount": r"[0-9]{1,13}\.[0-9]{2}",
    "refund_amount": r"[0-9]{1,13}\.[0-9]{2}",
    "biz_type": r"SELF_PAY|PAYOUT|DEPOSIT|CREDIT",
    "user_id": _NUMBER,
    "status": r"DUE|LAST",
    "source": r"[A-Za-z0-9_.\-]{1,64}",
    "account_token": r"[A-Za-z0-9_.:\-]{1,64}",
}
_STATUS = {"name-not-allowed": 400, "name-missing": 400, "value-not-allowed": 400, "request-id-missing": 400}
_STATUS |= {"amount-differs": 409, "not-found": 404, "refund-over-order": 409, "order-not-paid": 409}
_REFUND = frozenset({"out_request_no", "out_trade_no", "refund_amount", "source"})
_PUSH = frozenset({"out_trade_no", "title", "total_amount", "user_id", "status", "source"})
_ORDER = frozenset({"order"})
REPERTOIRE = Repertoire(
    answers=_ORDER | {"enquiry", "refund", "refund_enquiry", "push"},
    deciding=_ORDER,
    amounts=_ORDER | {"enquiry"},
    payouts=_ORDER,
    statements=frozenset({statement.OP}),
)
_EMPTY = re.compile(r"EMPTY(\d*)")


@dataclass(slots=True)
class Order:
    request: dict[str, str]
    settlement: Settlement
    status: str
    refunded: int = 0
    """分"""

    def as_json(self) -> dict[str, str]:
        return {
            "trade_no": self.settlement.reference,
            "out_trade_no": self.request["out_trade_no"],
            "total_amount": yuan(told(fen_from_yuan(self.request["total_amount"]))),
            "status": self.status,
        }


@dataclass(slots=True)
class Refund:
    request: dict[str, str]
    trade_no: str
    status: str = "SUCCESS"

    def as_json(self) -> dict[str, str]:
        told = {name: self.request[name] for name in ("out_request_no", "out_trade_no", "refund_amount")}
        return told | {"trade_no": self.trade_no, "status": self.status}


class PaySimulator:
    code = "pay"

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._desk = Desk(self.code, REPERTOIRE)
        self._desk.ledger.clock = settings.clock
        self._orders: dict[str, Order] = {}
        self._refunds: dict[str, Refund] = {}
        self._serial = itertools.count(1)
        self._running: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        app = self._desk.app()
        app.router.add_post("/orders", self._post)
        app.router.add_get("/orders/{number}", self._get)
        app.router.add_post("/refunds", self._post_refund)
        app.router.add_get("/refunds/{number}", self._get_refund)
        app.router.add_post("/pushes", self._post_push)
        app.router.add_get("/statement", self._statement)
        return app

    async def _statement(self, request: web.Request) -> web.Response:
        return statement_of_day(self._desk, request.query.get("bill_date", ""))

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _post(self, request: web.Request) -> web.Response:
        return await self._serve(request, "order", lambda body: self._take(read_order(body)).as_json())

    async def _post_refund(self, request: web.Request) -> web.Response:
        return await self._serve(request, "refund", lambda body: self._give_back(read_names(body, _REFUND)).as_json())

    async def _post_push(self, request: web.Request) -> web.Response:
        return await self._serve(request, "push", lambda body: self._tell(read_names(body, _PUSH)))

    async def _serve(self, request: web.Request, op: str, work: Callable[[bytes], dict[str, str]]) -> web.Response:
        message = await self._desk.receive(request, op)
        request_id = request.headers.get("X-Request-Id", "")

        async def answer() -> web.Response:
            try:
                if not request_id:
                    raise Violation("request-id-missing", "X-Request-Id names the act")
                return web.json_response(work(message.body))
            except Violation as refusal:
                return _refused(refusal)

        return await self._desk.serve(request, op, answer)

    async def _get(self, request: web.Request) -> web.Response:
        await self._desk.receive(request, "enquiry")
        return await self._desk.serve(request, "enquiry", lambda: self._enquire(request.match_info["number"]))

    async def _enquire(self, number: str) -> web.Response:
        order = self._orders.get(number)
        if order is None:
            return _refused(Violation("not-found", "no order has this number"))
        return web.json_response(order.as_json())

    async def _get_refund(self, request: web.Request) -> web.Response:
        await self._desk.receive(request, "refund_enquiry")
        return await self._desk.serve(
            request, "refund_enquiry", lambda: self._enquire_refund(request.match_info["number"])
        )

    async def _enquire_refund(self, number: str) -> web.Response:
        refund = self._refunds.get(number)
        if refund is None:
            return _refused(Violation("not-found", "no refund has this number"))
        return web.json_response(refund.as_json())

    def _give_back(self, request: dict[str, str]) -> Refund:
        """Refunds of an order together never pass it; the same number again gives the first result."""
        known = self._refunds.get(request["out_request_no"])
        if known is not None:
            if known.request != request:
                raise Violation("amount-differs", "the number was used for another refund")
            return known
        order = self._orders.get(request["out_trade_no"])
        if order is None or order.status != "SUCCESS":
            raise Violation("order-not-paid", "there is nothing to give back")
        order.refunded += fen_from_yuan(request["refund_amount"])
        if order.refunded > order.settlement.amount_fen:
            order.refunded -= fen_from_yuan(request["refund_amount"])
            raise Violation("refund-over-order", "refunds would pass the order")
        order.settlement.our_refs["refunded_fen"] = str(order.refunded)
        if order.refunded == order.settlement.amount_fen:
            self._desk.ledger.undo(order.settlement, "refunded", listed=False)
        part = fen_from_yuan(request["refund_amount"])
        self._desk.ledger.gave_back(order.settlement, part, request["out_request_no"])
        return self._refunds.setdefault(request["out_request_no"], Refund(request, order.settlement.reference))

    @staticmethod
    def _tell(request: dict[str, str]) -> dict[str, str]:
        return {"out_trade_no": request["out_trade_no"], "status": "TOLD"}

    def _take(self, request: dict[str, str]) -> Order:
        known = self._orders.get(request["out_trade_no"])
        if known is not None:
            if known.request != request:
                raise Violation("amount-differs", "the number was used for another order")
            return known
        order = self._orders[request["out_trade_no"]] = self._open(request)
        account, user = request.get("account_token", ""), request.get("user_id", "")
        self._desk.script.about("order", account or user)
        if account.startswith("CLOSED") or _has_nothing(user, request["out_trade_no"]):
            order.status, order.settlement.state = "FAILED", "refused"
        elif account.startswith("WRONG"):
            order.status, order.settlement.state = "ACCOUNT_INVALID", "refused"
        elif is_slow(account) or is_slow(user):
            self._later(self._pay, order)
        else:
            self._pay(order)
            if account.startswith("RETURN") or is_playing(Do.RETURNED_PAYOUT):
                self._later(self._return, order)
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

    def _return(self, order: Order) -> None:
        self._desk.ledger.undo(order.settlement, "returned")
        order.status = "RETURNED"

    def _later(self, work: Callable[[Order], None], order: Order) -> None:
        async def do() -> None:
            await asyncio.sleep(self._settings.slow_s)
            work(order)

        task = asyncio.get_running_loop().create_task(do())
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _has_nothing(user: str, number: str) -> bool:
    """``EMPTY2``: the first two attempts of an order fail, that is the numbers without and with -2; ``EMPTY``: all do."""
    found = _EMPTY.match(user)
    if found is None:
        return False
    _, _, attempt = number.rpartition("-")
    return not found[1] or (int(attempt) if attempt.isdecimal() else 1) <= int(found[1])


def read_order(body: bytes) -> dict[str, str]:
    """Exactly the agreed names, each a text of the agreed form: anything more could tell an illness."""
    order = _read(body)
    wanted = _ALLOWED | ({"account_token"} if order.get("biz_type") == "PAYOUT" else set())
    return _checked(order, wanted, optional=frozenset({"user_id"}))


def read_names(body: bytes, names: frozenset[str]) -> dict[str, str]:
    return _checked(_read(body), names)


def _read(body: bytes) -> dict[str, Any]:
    try:
        order = strictjson.loads(body)
    except ValueError as error:
        raise Violation("value-not-allowed", "the body is not JSON") from error
    if not isinstance(order, dict):
        raise Violation("value-not-allowed", "the body is not an object")
    return order


def _checked(order: dict[str, Any], wanted: Set[str], optional: Set[str] = frozenset()) -> dict[str, str]:
    if set(order) - wanted - optional:
        raise Violation("name-not-allowed", "the order carries a name that is not agreed")
    if wanted - set(order):
        raise Violation("name-missing", "the order lacks an agreed name")
    for name, value in order.items():
        _check_value(name, value)
    return order


def _check_value(name: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(_PATTERNS[name], value):
        raise Violation("value-not-allowed", f"{name} is not of the agreed form")
    if name in ("total_amount", "refund_amount"):
        try:
            positive = fen_from_yuan(value) > 0
        except BadMoney:
            positive = False
        if not positive:
            raise Violation("value-not-allowed", f"{name} is not an amount")


def _refused(refusal: Violation) -> web.Response:
    body = {"code": refusal.peer_code, "message": refusal.message}
    return web.json_response(body, status=_STATUS[refusal.peer_code])
