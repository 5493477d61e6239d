"""The HTTP side of the host: the function code stands in a header, and answers are padded as requests are."""

import asyncio
import functools

from aiohttp import web
from lxml import etree

from gateway.sandbox.common.atonce import Asked, AtOnce
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import Desk, Received
from gateway.sandbox.common.ledger import Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import told
from gateway.sandbox.common.trouble import Repertoire
from gateway.sandbox.padded_xml.record import ENCODING, FUNCTION, MALFORMED, padded, read_record
from gateway.sandbox.terms import OUTPATIENT, is_slow

DONE, DONE_TEXT = "AAAAAAA", "交易成功"
_ONLY = frozenset({FUNCTION})


class PaddedXmlSimulator:
    code = "padded-xml"

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._desk = Desk(self.code, Repertoire(_ONLY, deciding=_ONLY, amounts=_ONLY))
        self._claims = AtOnce(self._desk.ledger, "PADCASE", refused="E0021", reused="E0409")
        self._serials: dict[str, bytes] = {}

    def app(self) -> web.Application:
        app = self._desk.app()
        app.router.add_post("/host/report", self._call)
        return app

    async def close(self) -> None:
        """It keeps nothing open: no call is its own."""

    async def _call(self, request: web.Request) -> web.Response:
        message = await self._desk.receive(request, FUNCTION)
        return await self._desk.serve(request, FUNCTION, functools.partial(self._answer, message))

    async def _answer(self, message: Received) -> web.Response:
        case, amount = "", ""
        try:
            settlement = await self._decide(message)
            code, text = DONE, DONE_TEXT
            case, amount = settlement.reference, f"{told(settlement.amount_fen):013d}"
        except Violation as refused:
            code, text = refused.peer_code, refused.message
        root = etree.Element("ReportRsp")
        for name, value, width in (("RetCode", code, 8), ("RetMsg", text, 40), ("CaseNo", case, 20)):
            etree.SubElement(root, name).text = padded(value, width)
        etree.SubElement(root, "PayAmt").text = padded(amount, 13)
        body = etree.tostring(root, xml_declaration=True, encoding=ENCODING)
        return web.Response(body=body, content_type="application/xml", charset=ENCODING)

    async def _decide(self, message: Received) -> Settlement:
        if message.headers.get("function-code") != FUNCTION:
            raise Violation(MALFORMED, "Function-Code不正确")
        record = read_record(message.body)
        if self._serials.setdefault(record.serial_no, record.image) != record.image:
            raise Violation(self._claims.reused, "SerialNo重复")
        self._desk.script.about(FUNCTION, record.policy_no)
        if is_slow(record.policy_no):
            await asyncio.sleep(self._settings.slow_s)
        # The record does not tell the kind of visit, so the outpatient product pays.
        image = record.image.decode(ENCODING)
        return self._claims.decide(Asked(record.claim_no, record.policy_no, record.applied, OUTPATIENT, (image,)))
