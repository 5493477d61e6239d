"""``POST /v1/soap``: the door for a HIS that speaks nothing else. One operation with two texts: service code and message."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from lxml import etree

from gateway.claims.door import soap_words as words
from gateway.claims.door.auth import Caller, Guard
from gateway.claims.door.entrance import body_of, caller_of
from gateway.claims.door.handlers import Handlers
from gateway.claims.door.problems import SOAP_PATH
from gateway.claims.door.refusals import REFUSALS
from gateway.kernel.errors import BadRequest, LianpeiError, MessageRefused, NotFound
from gateway.kernel.ids import is_id
from gateway.kernel.xml import parse_xml

FORM = "his-soap"
"""The hospital format that reads the message of ``SUBMIT``."""
SUBMIT, ASK = "GW0001", "GW0002"
_WAIT_S = 25.0
_XML = {"Content-Type": "text/xml; charset=utf-8"}
_PLACEHOLDER = "https://localhost:8443/v1/soap"
"""The address in the WSDL file; the served one names the address that was asked."""


@dataclass(frozen=True, slots=True)
class Call:
    """What was called. ``namespace`` is that of the operation's element."""

    namespace: str
    action: str
    message: str


class SoapDoor:
    def __init__(self, handlers: Handlers, guard: Guard, schemas: Path) -> None:
        self._handlers = handlers
        self._guard = guard
        self._wsdl = (schemas / "hospitals" / "his-soap.wsdl").read_text("utf-8")

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(SOAP_PATH, self.call)
        app.router.add_get(SOAP_PATH, self.wsdl)

    async def wsdl(self, request: web.Request) -> web.Response:
        """``GET /v1/soap?wsdl``."""
        told = urlsplit(f"//{request.host}")
        place = f"{request.scheme}://{escape(told.netloc)}{SOAP_PATH}"
        return web.Response(text=self._wsdl.replace(_PLACEHOLDER, place), headers=_XML)

    async def call(self, request: web.Request) -> web.Response:
        """Whatever is wrong with the message is an answer with ResultCode -1; what is wrong with the call raises, as a fault."""
        call, caller = read_call(body_of(request)), caller_of(request)
        message_id = ""
        try:
            inner = _message(call.message)
            message_id = _text(inner, "Header", "MessageID")
            text = await self._answered(call.action, inner, message_id, caller)
        except LianpeiError as refused:
            if not words.is_answer(refused):
                raise
            text = words.refused(message_id, refused)
            told = web.Response(body=words.answer(text, call.namespace), headers=_XML)
            return request.app[REFUSALS].note(request, refused.error_code, told)
        return web.Response(body=words.answer(text, call.namespace), headers=_XML)

    async def _answered(self, action: str, inner: etree._Element, message_id: str, caller: Caller) -> str:
        if action == SUBMIT:
            if not is_id(message_id):
                raise BadRequest(
                    "MessageID is missing or no id", hint="One per bill, and the same one when you send again."
                )
            taken = await self._handlers.take(caller, FORM, etree.tostring(inner), message_id, _WAIT_S)
            return words.accepted(message_id, msgspec.json.decode(_bytes(taken)))
        await self._guard.use_up(caller)
        if action != ASK:
            raise NotFound("no such service code", code="action-unknown", hint=f"{SUBMIT} submits, {ASK} asks.")
        case = _text(inner, "Body", "CommercialQueryRt", "CaseNo")
        return words.accepted(message_id, msgspec.json.decode(await self._handlers.view(caller.tenant, case)))


def read_call(body: bytes) -> Call:
    """Raises ``BadRequest`` (``soap-form``) for what is no SOAP 1.1 call of the one operation."""
    try:
        envelope = parse_xml(body)
    except MessageRefused as bad:
        raise BadRequest(bad.message, code="soap-form", hint=bad.hint) from None
    part = envelope.find(f"{{{words.ENVELOPE}}}Body")
    call = part[0] if envelope.tag == f"{{{words.ENVELOPE}}}Envelope" and part is not None and len(part) == 1 else None
    if call is None or not isinstance(call.tag, str) or etree.QName(call).localname != words.OPERATION:
        hint = f"Send SOAP 1.1 with {words.OPERATION}(input1, input2); the WSDL is at {SOAP_PATH}?wsdl."
        raise BadRequest("this is no call of the operation", code="soap-form", hint=hint)
    return Call(etree.QName(call).namespace or "", _argument(call, "input1").strip(), _argument(call, "input2"))


def _argument(call: etree._Element, name: str) -> str:
    return next((child.text or "" for child in call.iterchildren("{*}" + name)), "")


def _message(text: str) -> etree._Element:
    """The text has been decoded: what its declaration says of bytes no longer counts."""
    _, declared, rest = text.lstrip().partition("?>") if text.lstrip().startswith("<?xml") else ("", "", text)
    return parse_xml((rest if declared else text).encode("utf-8", "surrogatepass"))


def _text(node: etree._Element, *names: str) -> str:
    for name in names:
        found = next(node.iterchildren("{*}" + name), None)
        if found is None:
            return ""
        node = found
    return (node.text or "").strip()


def _bytes(answer: web.Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body
