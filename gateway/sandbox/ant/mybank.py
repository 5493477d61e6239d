"""The other envelope: the whole document under an enveloped XML signature, another head, other words for an answer's result.

Signed and verified from the standard's text with libxml2's canonical form and pycryptodome, for the gateway does it otherwise.
The cases behind it are those of ``AntSimulator``: what comes is put into the first envelope's words, what goes into this one's.
"""

import base64
import binascii
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any

from Crypto.Hash import SHA1, SHA256
from Crypto.Signature import pkcs1_15
from lxml import etree

from gateway.kernel.clock import SHANGHAI, Clock
from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.sandbox.ant.envelope import DECLARATION, Envelope, Keys
from gateway.sandbox.ant.report import FUNCTION
from gateway.sandbox.ant.server import AntSimulator
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.rules import Violation

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA_1 = DS + "sha1"
ENVELOPED = DS + "enveloped-signature"
APP_ID = "TESTAPP0001"
_ALGORITHMS = ([C14N, RSA_SHA256, ENVELOPED, SHA_1], [C14N, RSA_SHA256, ENVELOPED, C14N, SHA_1])
"""The canonical form may be named among the transforms, where it is the one that holds without a name."""
_WINDOW_S = 600
_CODES = {"200": "0000", "400": "0001", "401": "0002"}
_STATES = {"408": "U", "409": "U"}
"""A number that was used before may have been ours: unknown, not refused."""
_TEMPLATE = (
    '<Signature xmlns="{ds}"><SignedInfo>\r\n<CanonicalizationMethod Algorithm="{c14n}"></CanonicalizationMethod>\r\n'
    '<SignatureMethod Algorithm="{method}"></SignatureMethod>\r\n<Reference URI="">\r\n<Transforms>\r\n'
    '<Transform Algorithm="{enveloped}"></Transform>\r\n</Transforms>\r\n<DigestMethod Algorithm="{digest}"></DigestMethod>\r\n'
    "<DigestValue>{value}</DigestValue>\r\n</Reference>\r\n</SignedInfo><SignatureValue></SignatureValue></Signature>"
)


class MybankSimulator(AntSimulator):
    code = "ant-mybank"
    signature = rb"<SignatureValue>\s*(\w)"

    def __init__(self, settings: SimulatorSettings) -> None:
        super().__init__(settings, DsigEnvelope(Keys.load(settings.keys), settings.clock))


class DsigEnvelope(Envelope):
    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def seal(self, tag: str, inner: bytes) -> bytes:
        """A signature in the default namespace with line breaks in it, as answers were seen."""
        document = etree.Element("document")
        part = etree.SubElement(document, tag, id=tag)
        part.extend(_told(tag, etree.fromstring(b"<x>" + inner + b"</x>"), self._clock.now()))
        # Signed is what was printed: a tree that is read anew is the tree that a reader has.
        document = parse_xml(etree.tostring(document, encoding="utf-8"))
        value = base64.b64encode(SHA1.new(_canonical(document)).digest()).decode()
        names = {"ds": DS, "c14n": C14N, "method": RSA_SHA256, "enveloped": ENVELOPED, "digest": SHA_1}
        document.append(etree.fromstring(_TEMPLATE.replace("\r\n", "&#13;\n").format(value=value, **names)))
        signature = document[-1]
        signed = pkcs1_15.new(self._keys.own).sign(SHA256.new(_canonical(signature[0])))
        signature[1].text = base64.encodebytes(signed).decode().replace("\n", "\r\n")
        return DECLARATION + etree.tostring(document, encoding="utf-8", xml_declaration=False)

    def open(self, tag: str, body: bytes) -> etree._Element:
        document = _parse(body)
        signature = _only(document.findall(f"{{{DS}}}Signature"))
        self._verify(document, signature)
        part = document.find(tag)
        if part is None or part.get("id") != tag or document.tag != "document":
            raise _untrusted()
        return _read(tag, part, self._clock.now())

    def _verify(self, document: etree._Element, signature: etree._Element) -> None:
        """Raises ``Violation`` 401 unless the signature is of the agreed form, ours, and over all of the document."""
        info = _only(signature.findall(f"{{{DS}}}SignedInfo"))
        said = [one.get("Algorithm") for one in info.iter() if isinstance(one.tag, str) and "Algorithm" in one.attrib]
        reference = _only(info.findall(f"{{{DS}}}Reference"))
        if said not in _ALGORITHMS or reference.get("URI") != "" or signature.getnext() is not None:
            raise _untrusted()
        signed = _canonical(info)
        bare = deepcopy(document)
        bare.remove(bare[-1])
        if reference.findtext(f"{{{DS}}}DigestValue") != base64.b64encode(SHA1.new(_canonical(bare)).digest()).decode():
            raise _untrusted()
        try:
            value = base64.b64decode(
                "".join((signature.findtext(f"{{{DS}}}SignatureValue") or "").split()), validate=True
            )
            pkcs1_15.new(self._keys.gateway).verify(SHA256.new(signed), value)
        except (ValueError, binascii.Error) as error:
            raise _untrusted() from error


def _canonical(node: etree._Element) -> bytes:
    """As the root of its own document: libxml2's form of an element inside another loses default namespaces."""
    alone = etree.fromstring(etree.tostring(node, with_tail=False))
    return etree.tostring(alone, method="c14n", with_comments=False)


def _told(tag: str, inner: etree._Element, now: datetime) -> Iterator[etree._Element]:
    """Head and body in this envelope's words; the first one's are what the letters are written in."""
    answers = tag == "response"
    said, at = inner.findtext("head/reqMsgId") or "", f"{now.astimezone(SHANGHAI):%Y%m%d%H%M%S}"
    times = (("RespTime", at), ("RespTimeZone", "UTC+8")) if answers else (("ReqTime", at),)
    common = (("InputCharset", "UTF-8"), ("SignType", "RSA"))
    zone = () if answers else (("ReqTimeZone", "UTC+8"), ("Reserve", ""))
    first = (("Version", "1.0.0"), ("Function", FUNCTION), ("AppId", APP_ID), ("Appid", APP_ID))
    yield _element("head", (*first, *times, ("ReqMsgId", said), *common, *zone))
    body = inner.find("body")
    assert body is not None
    yield _answer_body(body) if answers else body


def _answer_body(body: etree._Element) -> etree._Element:
    code = body.findtext("errorCode") or ""
    state = "S" if code == "200" else _STATES.get(code, "F")
    made = etree.Element("body")
    told = (
        ("ResultStatus", state),
        ("ResultCode", _CODES.get(code, code)),
        ("ResultMsg", body.findtext("errorMessage") or ""),
    )
    made.append(_element("RespInfo", told))
    made.extend(body.findall("reportNo"))
    return made


def _read(tag: str, part: etree._Element, now: datetime) -> etree._Element:
    """The element in the first envelope's words, its time held to the window. Raises ``Violation``."""
    time = part.findtext("head/ReqTime" if tag == "request" else "head/RespTime") or ""
    try:
        sent = datetime.strptime(time, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise Violation("400", "ReqTime缺失或格式错误") from error
    if abs((now - sent).total_seconds()) > _WINDOW_S:
        raise Violation("401", "报文已过期")
    head = {str(child.tag): child.text or "" for child in part.iterfind("head/*")}
    read = etree.Element("covered")
    spelt = (head.get("Version"), head.get("Function"), time, head.get("ReqTimeZone"), head.get("ReqMsgId"), "XML")
    names = ("version", "function", "transTime", "transTimeZone", "reqMsgId", "format", "signType", "asyn", "cid")
    values = (*spelt, head.get("SignType"), "0", head.get("AppId"))
    read.append(_element("head", tuple((name, value or "") for name, value in zip(names, values, strict=True))))
    body = part.find("body")
    if body is None:
        raise Violation("400", "body缺失")
    read.append(_result(body) if tag == "response" else body)
    return read


def _result(body: etree._Element) -> etree._Element:
    good = (body.findtext("RespInfo/ResultStatus"), body.findtext("RespInfo/ResultCode")) == ("S", "0000")
    return _element("body", (("success", "1" if good else "0"), ("errorCode", "200" if good else "400")))


def _element(tag: str, texts: tuple[tuple[str, str], ...]) -> etree._Element:
    made = etree.Element(tag)
    for name, text in texts:
        etree.SubElement(made, name).text = text
    return made


def _only(found: list[Any]) -> Any:
    if len(found) != 1:
        raise _untrusted()
    return found[0]


def _parse(body: bytes) -> etree._Element:
    try:
        return parse_xml(body)
    except MessageRefused as error:
        raise Violation("401", "报文不是允许的XML") from error


def _untrusted() -> Violation:
    return Violation("401", "验签失败")
