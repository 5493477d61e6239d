"""The SOAP side: zeep reads the call by the service's own WSDL and writes the answer."""

import re
from pathlib import Path
from typing import Any

import zeep as _zeep
from lxml import etree
from zeep.exceptions import Error as ZeepError

from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.wsdl import alone, embedded_schema

MALFORMED = "02"
ACTION = '"urn:test:gbk-soap/doService"'
_DECLARED = re.compile(rb"""<\?xml version=["']1\.0["'] encoding=["']gbk["']\s*\?>""", re.IGNORECASE)
_ARGUMENT = re.compile(rb"<(?:\w+:)?requestXml><!\[CDATA\[<\?xml ")
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_NAMESPACE = "urn:test:gbk-soap"
zeep: Any = _zeep  # it has annotations for a few functions only


class Service:
    """``doService`` of a WSDL. Raises ``zeep`` errors at start-up when the description is broken."""

    def __init__(self, wsdl: Path) -> None:
        client = zeep.Client(str(wsdl), settings=zeep.Settings(strict=True, forbid_dtd=True, forbid_external=True))
        (binding,) = client.wsdl.bindings.values()
        self._operation = binding._operations["doService"]
        self._schema = embedded_schema(wsdl.read_bytes())

    def read(self, body: bytes, action: str) -> tuple[str, str]:
        """Service code and document text. Raises ``Violation`` 02 with the rule that the call breaks."""
        if action not in (ACTION, ACTION.strip('"')):
            raise Violation(MALFORMED, "SOAPAction不正确")
        if not _DECLARED.match(body):
            raise Violation(MALFORMED, "信封须声明GBK编码")
        if len(_ARGUMENT.findall(body)) != 1:
            raise Violation(MALFORMED, "requestXml须为CDATA且其前无任何字符")
        try:
            envelope = parse_xml(body)
            if not self._schema.validate(alone(_call_of(envelope))):
                raise Violation(MALFORMED, "SOAP报文不符合服务描述")
            found = self._operation.input.deserialize(envelope)
        except (MessageRefused, ZeepError, ValueError) as error:
            raise Violation(MALFORMED, "SOAP报文不符合服务描述") from error
        return found["serviceCode"], found["requestXml"]


def _call_of(envelope: etree._Element) -> etree._Element:
    """The single call in the Body of an envelope of SOAP 1.1. Raises ``ValueError``."""
    body = envelope.find(f"{{{_SOAP}}}Body")
    if envelope.tag != f"{{{_SOAP}}}Envelope" or body is None or len(body) != 1:
        raise ValueError("no SOAP 1.1 call")
    return body[0]


def answer(document: str) -> bytes:
    """The answer in UTF-8 around a document that calls itself GBK, as these services do."""
    envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"soap": _SOAP})
    body = etree.SubElement(envelope, f"{{{_SOAP}}}Body")
    said = etree.SubElement(body, f"{{{_NAMESPACE}}}doServiceResponse", nsmap={None: _NAMESPACE})  # type: ignore[dict-item]
    etree.SubElement(said, f"{{{_NAMESPACE}}}return").text = etree.CDATA(document)
    return bytes(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"))
