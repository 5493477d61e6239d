"""The exchange's door: every call is answered 202 at once and its result comes later as a call of its own."""

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from gateway.sandbox.common import strictjson
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.courier import Courier, Letter
from gateway.sandbox.common.desk import Desk
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.hcx.bundle import Bundle, read_bundle
from gateway.sandbox.hcx.crypt import Crypt
from gateway.sandbox.hcx.material import PATH, Material, request
from gateway.sandbox.hcx.payer import Payer, as_told
from gateway.sandbox.hcx.protocol import (
    PAYOR,
    PROVIDER,
    REPERTOIRE,
    ROUTES,
    STATUS,
    TOKEN,
    WANTED,
    Call,
    Route,
    Tokens,
    answer_headers,
    error,
    read_headers,
)
from gateway.sandbox.terms import is_slow

_HTTP = {"ERR_ACCESS_DENIED": 401}


@dataclass(slots=True)
class Cycle:
    """One request and its result, kept by correlation id."""

    call: Call
    route: Route
    status: str
    due: float
    """On the monotonic clock: when the result is ready; infinite while documents are wanted."""
    result: dict[str, Any]
    policy_no: str = ""


class _Courier(Courier):
    taken = 202


class Hcx:
    code = "hcx"

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._clock = settings.clock
        self._crypt = Crypt(settings.keys)
        password = (settings.keys / "hcx-pwd.secret").read_text().strip()
        self._tokens = Tokens(settings.clock, password, settings.token_ttl_s)
        self._desk = Desk(self.code, REPERTOIRE)
        self._courier = _Courier(settings, self._desk)
        self._payer = Payer(self._desk.ledger, settings.clock.now)
        self._material = Material()
        self._calls: dict[str, Call] = {}
        self._cycles: dict[str, Cycle] = {}
        self._work: dict[str, Callable[[Bundle], dict[str, Any]]] = {
            "coverageeligibility/check": self._payer.eligibility,
            "predetermination/submit": self._payer.estimate,
            "preauth/submit": self._payer.estimate,
            "claim/submit": self._payer.decide,
            "paymentnotice/request": self._payer.acknowledge,
            "communication/request": self._payer.acknowledge,
        }

    def app(self) -> web.Application:
        app = self._desk.app()
        app.router.add_post(f"/{TOKEN}", self._grant)
        app.router.add_post(f"/{STATUS}", self._status)
        for route in ROUTES.values():
            app.router.add_post(f"/{route.op}", partial(self._take, route))
        return app

    async def close(self) -> None:
        await self._courier.close()

    async def _grant(self, request: web.Request) -> web.Response:
        await self._desk.receive(request, TOKEN)

        async def work() -> web.Response:
            try:
                return _json(self._tokens.grant(await request.post()))
            except Violation as refused:
                return _json({"error": "invalid_grant", "error_description": refused.message}, 401)

        return await self._desk.serve(request, TOKEN, work)

    async def _take(self, route: Route, request: web.Request) -> web.Response:
        message = await self._desk.receive(request, route.op)

        async def work() -> web.Response:
            return self._guarded(request, message.body, partial(self._accept, route))

        return await self._desk.serve(request, route.op, work)

    async def _status(self, request: web.Request) -> web.Response:
        message = await self._desk.receive(request, STATUS)

        async def work() -> web.Response:
            return self._guarded(request, message.body, self._enquire)

        return await self._desk.serve(request, STATUS, work)

    def _guarded(self, request: web.Request, body: bytes, work: Callable[[str, Call], dict[str, Any]]) -> web.Response:
        """Bearer, form and headers first; a refusal here is the switch's and comes at once."""
        headers: dict[str, Any] = {}
        try:
            self._tokens.require(request.headers.get("Authorization", ""))
            token = _payload(body)
            headers = self._crypt.headers(token)
            return _json(work(token, read_headers(headers, self._clock)), 202)
        except Violation as refused:
            known = {
                "api_call_id": str(headers.get("x-hcx-api_call_id", "")),
                "correlation_id": str(headers.get("x-hcx-correlation_id", "")),
            }
            return _json({**known, "error": error(refused)}, _HTTP.get(refused.peer_code, 400))

    def _accept(self, route: Route, token: str, call: Call) -> dict[str, Any]:
        if call.api_call_id in self._calls:
            return call.acknowledged(self._clock)
        if call.correlation_id in self._cycles:
            raise Violation("ERR_INVALID_CORRELATION_ID", "the cycle was opened by another call")
        self._calls[call.api_call_id] = call
        cycle = self._process(route, token, call)
        self._cycles[call.correlation_id] = cycle
        if cycle.due < math.inf:
            self._send(cycle, cycle.due - self._clock.monotonic())
        return call.acknowledged(self._clock)

    def _process(self, route: Route, token: str, call: Call) -> Cycle:
        wait, policy_no = self._settings.delay_s, ""
        try:
            bundle = read_bundle(self._crypt.open(token), route.resource, route.use)
            policy_no = bundle.policy_no if "insurance" in bundle.main else ""
            self._desk.script.about(route.op, policy_no)
            if is_slow(policy_no):
                wait = self._settings.slow_s
            if route.op == "claim/submit" and self._material.wants(bundle, call.correlation_id):
                self._ask_for_material(call, bundle.identifier)
                return Cycle(call, route, "response.partial", math.inf, {}, policy_no)
            result, status = self._work[route.op](bundle), "response.complete"
            if route.op == "communication/request":
                self._decide_waiting(bundle)
        except Violation as refused:
            result, status = error(refused), "response.error"
        return Cycle(call, route, status, self._clock.monotonic() + wait, result, policy_no)

    def _ask_for_material(self, call: Call, claim: str) -> None:
        mine = Call(str(uuid.uuid4()), str(uuid.uuid4()), call.workflow_id)

        def build() -> bytes:
            headers = answer_headers(mine, mine.api_call_id, "request.queued", self._clock)
            return self._crypt.seal(request(call.correlation_id, claim, self._clock.now()), headers)

        letter = Letter(WANTED, call.correlation_id, PATH, "application/json", build, _is_acknowledged)
        self._courier.send_later(letter, self._settings.delay_s)

    def _decide_waiting(self, communication: Bundle) -> None:
        found = self._material.brought(communication)
        if found is None:
            return
        cycle, claim = self._cycles[found[0]], found[1]
        cycle.status, cycle.due = "response.complete", self._clock.monotonic() + self._settings.delay_s
        cycle.result = self._payer.decide(claim)
        self._send(cycle, self._settings.delay_s)

    def _enquire(self, _token: str, call: Call) -> dict[str, Any]:
        cycle = self._cycles.get(call.correlation_id)
        if cycle is None:
            raise Violation("ERR_INVALID_CORRELATION_ID", "no request came under this correlation id")
        ready = cycle.due <= self._clock.monotonic()
        if ready:
            self._send(cycle, 0)
        result = {
            "sender_code": PROVIDER,
            "recipient_code": PAYOR,
            "entity_type": cycle.route.op.partition("/")[0],
            "protocol_status": cycle.status if ready else "request.dispatched",
        }
        return {**call.acknowledged(self._clock), "result": result}

    def _send(self, cycle: Cycle, delay_s: float) -> None:
        """One callback keeps its call id through all attempts; sending the result again later is another call."""
        path, api_call_id = f"/partners/hcx/{cycle.route.answer}", str(uuid.uuid4())
        letter = Letter(
            op=cycle.route.answer,
            reference=cycle.call.correlation_id,
            path=path,
            content_type="application/json",
            build=partial(self._message, cycle, api_call_id),
            is_acknowledged=_is_acknowledged,
            policy_no=cycle.policy_no,
        )
        self._courier.send_later(letter, delay_s)

    def _message(self, cycle: Cycle, api_call_id: str) -> bytes:
        headers = answer_headers(cycle.call, api_call_id, cycle.status, self._clock)
        if cycle.status == "response.error":
            return strictjson.dumps({**headers, "x-hcx-error_details": cycle.result})
        return self._crypt.seal(as_told(cycle.result), headers)


def _is_acknowledged(reply: bytes) -> bool:
    try:
        return {"timestamp", "api_call_id", "correlation_id"} <= set(strictjson.loads(reply))
    except (TypeError, ValueError):
        return False


def _payload(body: bytes) -> str:
    try:
        document = strictjson.loads(body)
        token = document["payload"]
    except (ValueError, KeyError, TypeError) as error_:
        raise Violation("ERR_INVALID_PAYLOAD", "the body must be an object with payload") from error_
    if set(document) != {"payload"} or not isinstance(token, str):
        raise Violation("ERR_INVALID_PAYLOAD", "the body is {payload: compact JWE} and nothing else")
    return token


def _json(document: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=strictjson.dumps(document), status=status, content_type="application/json")
