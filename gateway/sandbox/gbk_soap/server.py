"""The HTTP side: user and password in headers, one operation, and a refusal that is an answer without a body."""

import asyncio
import functools
import hmac
from pathlib import Path

from aiohttp import web
from lxml import etree

from gateway.kernel.money import yuan
from gateway.sandbox.common.atonce import Asked, AtOnce
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import Desk, Received
from gateway.sandbox.common.ledger import Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import told
from gateway.sandbox.common.trouble import Repertoire
from gateway.sandbox.gbk_soap.call import MALFORMED, Service, answer
from gateway.sandbox.gbk_soap.packet import Packet, Reader
from gateway.sandbox.terms import is_slow, product

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas" / "insurers" / "gbk-soap"
USER = "TESTUSER"
OP = "CLM01"
PENDING = "01"
_ONLY = frozenset({OP})


class GbkSoapSimulator:
    code = "gbk-soap"

    def __init__(self, settings: SimulatorSettings, schemas: Path = SCHEMAS) -> None:
        self._settings = settings
        self._password = (settings.keys / "gbk-soap-password.secret").read_text("ascii")
        self._service = Service(schemas / "service.wsdl")
        self._reader = Reader(schemas / "packet.xsd")
        self._desk = Desk(self.code, Repertoire(_ONLY, deciding=_ONLY, amounts=_ONLY))
        self._claims = AtOnce(self._desk.ledger, "GBKCASE", refused="03", reused="05")
        self._trade_nos: dict[str, str] = {}
        self._asked_to_wait: set[str] = set()

    def app(self) -> web.Application:
        app = self._desk.app()
        app.router.add_post("/services/ClaimService", self._call)
        return app

    async def close(self) -> None:
        """It keeps nothing open: no call is its own."""

    async def _call(self, request: web.Request) -> web.Response:
        message = await self._desk.receive(request, OP)
        return await self._desk.serve(request, OP, functools.partial(self._answer, message))

    async def _answer(self, message: Received) -> web.Response:
        try:
            packet = self._open(message)
            self._desk.script.about(OP, packet.policy_no)
            if is_slow(packet.policy_no):
                await asyncio.sleep(self._settings.slow_s)
            said = self._said(packet)
        except Violation as refused:
            said = _document(refused.peer_code, refused.message, None)
        return web.Response(body=answer(said), content_type="text/xml", charset="utf-8")

    def _open(self, message: Received) -> Packet:
        given = message.headers.get("x-user", ""), message.headers.get("x-password", "")
        if not hmac.compare_digest("\n".join(given).encode(), f"{USER}\n{self._password}".encode()):
            raise Violation("04", "用户名或密码不正确")
        code, text = self._service.read(message.body, message.headers.get("soapaction", ""))
        if code != OP:
            raise Violation(MALFORMED, "serviceCode不正确")
        packet = self._reader.read(text)
        if self._trade_nos.setdefault(packet.trade_no, text) != text:
            raise Violation("05", "TRANSRNO重复")
        return packet

    def _said(self, packet: Packet) -> str:
        """A policy that starts with ``PENDING`` is under review at first; who asks again under the same number is told."""
        if packet.policy_no.startswith("PENDING") and packet.claim_no not in self._asked_to_wait:
            self._asked_to_wait.add(packet.claim_no)
            return _document(PENDING, "受理中", None)
        terms = product(inpatient=packet.inpatient)
        asked = Asked(packet.claim_no, packet.policy_no, packet.applied, terms, (str(packet.total),))
        return _document("00", "成功", self._claims.decide(asked))


def _document(code: str, text: str, settlement: Settlement | None) -> str:
    """Another root than the request's, and no body where there is nothing to say."""
    result = etree.Element("RESULT")
    head = etree.SubElement(result, "HEAD")
    etree.SubElement(head, "RESULTCODE").text = code
    etree.SubElement(head, "RESULTMSG").text = text
    if settlement is not None:
        body = etree.SubElement(result, "BODY")
        etree.SubElement(body, "CASENO").text = settlement.reference
        etree.SubElement(body, "PAYAMOUNT").text = yuan(told(settlement.amount_fen))
    return '<?xml version="1.0" encoding="GBK"?><!-- core -->' + etree.tostring(result, encoding="unicode")
