"""The HTTP side: sealed calls in, plain answers out, sealed callbacks when the insurer has something to say."""

import functools
import itertools
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.sandbox.common import sm2
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.courier import Courier, Letter
from gateway.sandbox.common.desk import Desk
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import is_playing, told
from gateway.sandbox.common.trouble import Do, Repertoire
from gateway.sandbox.huiyibao import shapes
from gateway.sandbox.huiyibao.envelope import HOSPITAL_CODE, Guard
from gateway.sandbox.huiyibao.orders import Order, Orders
from gateway.sandbox.huiyibao.visits import Visit, Visits
from gateway.sandbox.terms import is_slow

PATHS = {
    "3.2": "data/sync/patientBasicInfo",
    "3.3": "data/sync/medicalCareInfo",
    "3.4": "data/sync/medicalRecordInfo",
    "3.5": "data/sync/feeInfo",
    "3.6": "data/sync/checkReport",
    "3.7": "data/sync/examineReport",
    "3.8": "data/sync/operationInfo",
    "3.9": "data/sync/invoiceInfo",
    "4.1": "order/advance",
    "4.3": "order/confirm",
    "4.4": "order/query",
    "4.5": "order/cancel",
    "4.6": "order/refund",
}
CALLBACKS = {
    "3.1": "apply/report/applyReport",
    "3.10": "order/notificationDeclarationResult",
    "4.2": "order/noticeInsuranceAmount",
}
REPERTOIRE = Repertoire(
    answers=frozenset(PATHS),
    callbacks=frozenset(CALLBACKS),
    deciding=frozenset({"4.2", "4.3"}),
    signature=rb'"sign":"[0-9a-f]{20}([0-9a-f])',
    signed=frozenset(CALLBACKS),
    amounts=frozenset({"4.2", "4.3"}),
    reversals=frozenset({"4.5", "4.6"}),
)
_MEMBER_ID = 1_900_000_000_000_000_301
"""Above 2^53 on purpose, as the vendor's own example is."""


class HuiyibaoSimulator:
    code = "huiyibao"

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        own = sm2.load_private(settings.keys / "huiyibao-insurer-sm2.key.pem")
        self._guard = Guard(own, sm2.load_public(settings.keys / "huiyibao-gateway-sm2.pub.pem"))
        self._desk = Desk(self.code, REPERTOIRE)
        self._courier = Courier(settings, self._desk)
        self._visits = Visits()
        self._orders = Orders(self._desk.ledger, self._visits)
        self._reports = itertools.count(1_900_000_000_000_000_001)
        self._report_codes: dict[str, str] = {}

    def app(self) -> web.Application:
        """One more control path: ``POST /_report`` {certNo, name, visitType, visitTime} makes the insurer send 3.1."""
        app = self._desk.app()
        for op, path in PATHS.items():
            app.router.add_post("/hospitalDirect/" + path, functools.partial(self._call, op))
        app.router.add_post("/_report", self._report)
        return app

    async def close(self) -> None:
        await self._courier.close()

    async def _call(self, op: str, request: web.Request) -> web.Response:
        message = await self._desk.receive(request, op)
        return await self._desk.serve(request, op, lambda: self._answer(op, message.body))

    async def _answer(self, op: str, body: bytes) -> web.Response:
        try:
            record = self._guard.open(body, self._settings.clock.now())
            shapes.check(op, record)
            if record.get("hospitalCode", HOSPITAL_CODE) != HOSPITAL_CODE:
                raise Violation("1005", "hospitalCode错误")
            data = self._do(op, record)
        except Violation as refusal:
            return web.json_response({"code": int(refusal.peer_code), "msg": refusal.message, "data": None})
        return web.json_response({"code": 0, "msg": "", "data": data})

    def _do(self, op: str, record: dict[str, Any]) -> dict[str, Any] | None:
        orders: dict[str, Callable[[dict[str, Any]], Order]] = {
            "4.1": self._advance,
            "4.3": self._confirm,
            "4.4": self._orders.find,
            "4.5": lambda record: self._taken_back(self._orders.cancel(record)),
            "4.6": lambda record: self._taken_back(self._orders.refund(record)),
        }
        if op in orders:
            answer = orders[op](record).as_json()
            return answer | {"insuranceAmount": told(answer["insuranceAmount"])}
        if op == "3.9":
            self._orders.check_invoices(record)
        elif op in ("3.6", "3.7", "3.8"):
            self._visits.find(record["visitSerialNumber"])
        else:
            self._pushed(op, record)
        return None

    def _pushed(self, op: str, record: dict[str, Any]) -> None:
        """Enough was pushed: declare the visit; a full push that comes again asks again while 3.10 is not answered."""
        for visit in self._visits.push(op, record):
            if not visit.acknowledged and (op == "3.5" or not visit.declared):
                self._send("3.10", visit.serial, functools.partial(self._declaration, visit), _Marks(visit))

    def _declaration(self, visit: Visit) -> dict[str, Any]:
        visit.declared = True
        person = self._visits.cert_no(visit)
        code = self._report_codes.get(person) or self._report_codes.setdefault(person, str(next(self._reports)))
        kind = visit.visit_type
        return {"requireCode": code, "visitSerialNumber": visit.serial, "visitType": kind, "status": 0, "msg": ""}

    def _confirm(self, record: dict[str, Any]) -> Order:
        self._desk.script.about("4.3", self._orders.find(record).request["requireCode"])
        return self._orders.confirm(record)

    def _taken_back(self, order: Order) -> Order:
        if is_playing(Do.APPROVE_AFTER_REVERSE):
            self._announce(order, self._settings.delay_s)
        return order

    def _advance(self, record: dict[str, Any]) -> Order:
        order = self._orders.advance(record)
        if not order.acknowledged:
            self._announce(order, self._settings.slow_s if is_slow(record["requireCode"]) else self._settings.delay_s)
        return order

    def _announce(self, order: Order, wait: float) -> None:
        def build() -> dict[str, Any]:
            announced = self._orders.announce(order)
            return announced | {"insuranceAmount": told(announced["insuranceAmount"])}

        self._send("4.2", order.number, build, _Marks(order), wait, order.request["requireCode"])

    async def _report(self, request: web.Request) -> web.Response:
        wish = await request.json()
        code = str(wish.get("requireCode") or next(self._reports))
        self._report_codes[wish["certNo"]] = code
        data = {name: wish[name] for name in ("certNo", "name", "visitType", "visitTime")}
        data |= {"hospitalCode": HOSPITAL_CODE, "memberId": _MEMBER_ID, "requireCode": code}
        self._send("3.1", code, lambda: data, lambda _body: True)
        return web.json_response({"requireCode": code})

    def _send(
        self,
        op: str,
        reference: str,
        data: Callable[[], dict[str, Any]],
        acknowledged: Callable[[bytes], bool],
        wait: float | None = None,
        policy_no: str = "",
    ) -> None:
        letter = Letter(
            op=op,
            reference=reference,
            path="/partners/huiyibao/hospitalDirect/" + CALLBACKS[op],
            content_type="application/json",
            build=lambda: self._guard.seal(data(), self._settings.clock.now()),
            is_acknowledged=lambda body: is_taken(body) and acknowledged(body),
            policy_no=policy_no,
        )
        self._courier.send_later(letter, self._settings.delay_s if wait is None else wait)


class _Marks:
    """Notes on a visit or an order that the hospital took what was told about it."""

    def __init__(self, subject: Visit | Order) -> None:
        self._subject = subject

    def __call__(self, _body: bytes) -> bool:
        self._subject.acknowledged = True
        return True


def is_taken(body: bytes) -> bool:
    """The hospital's reply is plain: ``{"code":0,"msg":"","data":null}``."""
    try:
        reply = json.loads(body)
    except ValueError:
        return False
    return isinstance(reply, dict) and reply.get("code") == 0
