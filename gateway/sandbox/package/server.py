"""The HTTP side: tokens, the encrypted body, and a refusal that is an encrypted answer like any other."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from aiohttp import web

from gateway.sandbox.common import statement
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import Desk
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.trouble import Repertoire
from gateway.sandbox.package import cipher, envelope
from gateway.sandbox.package.acts import OPS, Acts
from gateway.sandbox.package.envelope import Envelope

APP_ID = "TESTAPP"
EXPIRED_TEXT = "Token已过期,请重新获取"
DONE, DONE_TEXT = "0", "处理成功"
REPERTOIRE = Repertoire(
    answers=OPS | {"token"},
    deciding=frozenset({"S291", "S300"}),
    amounts=frozenset({"S290", "S291", "S300"}),
    reversals=frozenset({"S270"}),
    material=frozenset({"S300"}),
    statements=frozenset({statement.OP}),
)


@dataclass(slots=True)
class Tokens:
    ttl_s: int
    _issued: dict[str, float] = field(default_factory=dict)

    def issue(self, now: float) -> str:
        token = secrets.token_urlsafe(24)
        self._issued[token] = now + self.ttl_s
        return token

    def is_valid(self, token: str, now: float) -> bool:
        return self._issued.get(token, 0.0) > now

    def expire_all(self) -> None:
        self._issued.clear()


class PackageSimulator:
    code = "package"

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._key = (settings.keys / "package-aes.secret").read_bytes()
        self._secret = (settings.keys / "package-app.secret").read_text("ascii")
        self._desk = Desk(self.code, REPERTOIRE)
        self._desk.ledger.clock = settings.clock
        self._acts = Acts(self._desk.ledger, self._desk.script)
        self._tokens = Tokens(settings.token_ttl_s)
        self._seen: dict[str, bytes] = {}

    def app(self) -> web.Application:
        """Besides the control paths: ``POST /_expire_tokens`` makes every issued token expired."""
        app = self._desk.app()
        app.router.add_get("/api/token/access_token", self._token)
        app.router.add_post("/biz/inbound/s", self._business)
        app.router.add_post("/_expire_tokens", self._expire_tokens)
        return app

    async def close(self) -> None:
        """Nothing is left running: this partner never calls back."""

    async def _expire_tokens(self, _request: web.Request) -> web.Response:
        self._tokens.expire_all()
        return web.json_response({"expired": True})

    async def _token(self, request: web.Request) -> web.Response:
        await self._desk.receive(request, "token")
        return await self._desk.serve(request, "token", lambda: self._issue(request))

    async def _issue(self, request: web.Request) -> web.Response:
        query = request.query
        known = (
            query.get("appId") == APP_ID
            and query.get("grant_type") == "client_credentials"
            and hmac.compare_digest(query.get("secret", "").encode(), self._secret.encode())
        )
        if not known:
            return web.json_response({"data": None, "result": {"code": "ERR0004", "msg": "应用不存在"}})
        token = self._tokens.issue(self._settings.clock.monotonic())
        data = {"access_token": token, "expires_in": self._settings.token_ttl_s}
        return web.json_response({"data": data, "result": {"code": "0", "msg": "success"}})

    async def _business(self, request: web.Request) -> web.Response:
        message = await self._desk.receive(request)
        token = request.headers.get("access_token", "")
        if not self._tokens.is_valid(token, self._settings.clock.monotonic()):
            return web.Response(text=EXPIRED_TEXT)
        try:
            plain = cipher.decrypt(self._key, message.body)
            opened = envelope.read(plain)
        except ValueError:
            return web.Response(status=400, text="报文无法解密或解析")
        message.op = opened.op
        return await self._desk.serve(request, opened.op, lambda: self._answer(request, opened, plain))

    async def _answer(self, request: web.Request, opened: Envelope, plain: bytes) -> web.Response:
        now = self._settings.clock.now()
        try:
            self._admit(request, opened, plain)
            body, code, text = self._acts.do(opened, now), DONE, DONE_TEXT
        except Violation as refusal:
            body, code, text = [], refusal.peer_code, refusal.message
        if code == DONE and self._acts.answers_slowly(opened):
            await asyncio.sleep(self._settings.slow_s)
        reply = cipher.encrypt(self._key, envelope.answer(opened, body, code, text, now))
        return web.Response(body=reply, content_type="application/json", charset="utf-8")

    def _admit(self, request: web.Request, opened: Envelope, plain: bytes) -> None:
        """The head is complete, fits the address, and its number was not used for another message."""
        envelope.check_head(opened)
        if request.query.get("senderCode") != envelope.pick(opened.head, "senderCode"):
            raise Violation("1000004", "senderCode与报文头不符")
        digest = hashlib.sha256(plain).digest()
        if self._seen.setdefault(opened.trade_number, digest) != digest:
            raise Violation("1000409", "sendTradeNum已用于其他报文")
