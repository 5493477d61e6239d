"""A bank that debits an account without a password: small amounts, each number once, no refunds over this road."""

import itertools
import re
from decimal import Decimal
from typing import Any

from aiohttp import web

from gateway.kernel.money import MAX_FEN, Fen
from gateway.sandbox.common import strictjson
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import Desk
from gateway.sandbox.common.ledger import Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import told
from gateway.sandbox.common.trouble import Repertoire
from gateway.sandbox.terms import Product

TITLE = "医疗费用结算"
BANK = Product("bank", Decimal(1), Fen(MAX_FEN))
PER_ACT, PER_DAY = 30_000, 100_000
"""分. The bank holds to its limits itself: whoever sends more is refused."""
_NAMES = frozenset({"order_no", "title", "pay_amount", "order_type", "out_account_no", "source"})
_TEXT = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_BOTH, _ORDER = frozenset({"order", "enquiry"}), frozenset({"order"})
REPERTOIRE = Repertoire(_BOTH, deciding=_ORDER, amounts=_BOTH)
_STATUS = {"not-found": 404, "number-used": 409}


class DeductSimulator:
    code = "deduct"

    def __init__(self, settings: SimulatorSettings) -> None:
        del settings
        self._desk = Desk(self.code, REPERTOIRE)
        self._orders: dict[str, tuple[dict[str, Any], Settlement, str]] = {}
        self._serial = itertools.count(1)

    def app(self) -> web.Application:
        app = self._desk.app()
        app.router.add_post("/deductions", self._post)
        app.router.add_get("/deductions/{number}", self._get)
        return app

    async def close(self) -> None:
        """Nothing is under way."""

    async def _post(self, request: web.Request) -> web.Response:
        message = await self._desk.receive(request, "order")

        async def work() -> web.Response:
            try:
                return self._told(self._take(_read(message.body)))
            except Violation as refusal:
                return _refused(refusal)

        return await self._desk.serve(request, "order", work)

    async def _get(self, request: web.Request) -> web.Response:
        await self._desk.receive(request, "enquiry")
        number = request.match_info["number"]

        async def work() -> web.Response:
            if number not in self._orders:
                return _refused(Violation("not-found", "no deduction has this number"))
            return self._told(number)

        return await self._desk.serve(request, "enquiry", work)

    def _take(self, order: dict[str, Any]) -> str:
        number: str = order["order_no"]
        self._desk.script.about("order", order["out_account_no"])
        if number in self._orders:
            if self._orders[number][0] != order:
                raise Violation("number-used", "the number was used for another deduction")
            return number
        account, amount = order["out_account_no"], order["pay_amount"]
        reference = f"TESTBANK{next(self._serial):010d}"
        entry = self._desk.ledger.open(Settlement(reference, number, account, BANK, {"order_no": number}))
        if amount > PER_ACT or self._today(account) + amount > PER_DAY or account.startswith("EMPTY"):
            entry.state = "refused"
            self._orders[number] = (order, entry, "1")
        else:
            self._desk.ledger.apply(entry, amount)
            self._orders[number] = (order, entry, "0")
        return number

    def _today(self, account: str) -> int:
        """The simulator lives for a day at most."""
        return sum(one.amount_fen for order, one, _ in self._orders.values() if order["out_account_no"] == account)

    def _told(self, number: str) -> web.Response:
        order, entry, status = self._orders[number]
        amount = told(order["pay_amount"])
        answer = {"order_no": number, "pay_flow_id": entry.reference, "pay_amount": amount, "status": status}
        return web.json_response(answer)


def _read(body: bytes) -> dict[str, Any]:
    """Exactly the agreed names: anything more could tell an illness."""
    try:
        order = strictjson.loads(body)
    except ValueError as error:
        raise Violation("value-not-allowed", "the body is not JSON") from error
    if not isinstance(order, dict) or set(order) != _NAMES:
        raise Violation("name-not-allowed", "the order's names are not the agreed ones")
    texts = [order[name] for name in _NAMES - {"title", "pay_amount"}]
    sound = all(isinstance(text, str) and _TEXT.fullmatch(text) for text in texts)
    if not sound or order["title"] != TITLE or type(order["pay_amount"]) is not int or order["pay_amount"] <= 0:
        raise Violation("value-not-allowed", "a value is not of the agreed form")
    return order


def _refused(refusal: Violation) -> web.Response:
    body = {"code": refusal.peer_code, "message": refusal.message}
    return web.json_response(body, status=_STATUS.get(refusal.peer_code, 400))
