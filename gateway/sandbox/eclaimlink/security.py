"""WS-Security as this post office demands it, with xmlsec: token, Timestamp and Body signed with RSA-SHA256.

A verifier that only asks xmlsec "is there a good signature?" can be fooled by moving the signed Body elsewhere. So the
parts that are *used* (Body of the Envelope, Timestamp of the header) are compared by identity with those *signed*.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import xmlsec
from lxml import etree
from xmlsec import constants

from gateway.kernel.errors import SealRefused

Element: TypeAlias = Any  # lxml's element; xmlsec and zeep ship no types to meet it with

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = _OASIS + "wssecurity-secext-1.0.xsd"
WSU = _OASIS + "wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
_X509 = _OASIS + "x509-token-profile-1.0#X509v3"
_BASE64 = _OASIS + "soap-message-security-1.0#Base64Binary"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_NS = {"soap": SOAP, "wsse": WSSE, "wsu": WSU, "ds": DS}
_IDS: Any = etree.XPath("//@wsu:Id | //@Id | //@ID | //@id | //@xml:id", namespaces=_NS)
VALID_FOR = timedelta(minutes=5)


def _refused(rule: str) -> SealRefused:
    return SealRefused(f"the request's signature is refused: {rule}", code="post-office-security")


@dataclass(frozen=True, slots=True)
class Identity:
    """The post office's key and certificate, and the one certificate that it trusts."""

    key_pem: bytes
    cert_pem: bytes
    trusted_pem: bytes

    @classmethod
    def load(cls, keys: Path) -> "Identity":
        return cls(
            (keys / "eclaimlink-insurer-rsa.key.pem").read_bytes(),
            (keys / "eclaimlink-insurer-rsa.cert.pem").read_bytes(),
            (keys / "eclaimlink-gateway-rsa.cert.pem").read_bytes(),
        )


def _token_text(pem: bytes) -> str:
    return b"".join(line for line in pem.splitlines() if not line.startswith(b"-----")).decode("ascii")


def verify(envelope: Element, identity: Identity, now: datetime) -> Element:
    """The Body, proven to be what the trusted certificate signed. Raises ``SealRefused`` (``post-office-security``)."""
    security = _only(envelope, "soap:Header/wsse:Security", "one Security header")
    signature = _only(security, "ds:Signature", "one Signature")
    token = _only(security, "wsse:BinarySecurityToken", "one BinarySecurityToken")
    timestamp = _only(security, "wsu:Timestamp", "one Timestamp")
    body = _only(envelope, "soap:Body", "one Body")
    if len(set(_IDS(envelope))) != len(_IDS(envelope)):
        raise _refused("an id stands twice")
    _check_token(token, signature, identity)
    _check_methods(signature)
    signed = _signed_elements(envelope, signature)
    if not all(any(part is one for one in signed) for part in (body, timestamp)):
        raise _refused("Body and Timestamp must both be signed")
    _check_value(signature, signed, identity)
    _check_fresh(timestamp, now)
    return body


def _only(parent: Element, path: str, rule: str) -> Element:
    found = parent.xpath(path, namespaces=_NS)
    if len(found) != 1:
        raise _refused(f"exactly {rule}")
    return found[0]


def _check_token(token: Element, signature: Element, identity: Identity) -> None:
    if "".join((token.text or "").split()) != _token_text(identity.trusted_pem):
        raise _refused("the certificate is not the registered one")
    reference = _only(signature, "ds:KeyInfo/wsse:SecurityTokenReference/wsse:Reference", "one token reference")
    if reference.get("URI") != "#" + str(token.get(f"{{{WSU}}}Id")):
        raise _refused("the signature does not point at the token")


def _check_methods(signature: Element) -> None:
    info = _only(signature, "ds:SignedInfo", "one SignedInfo")
    wanted = {
        "ds:CanonicalizationMethod": {_EXCLUSIVE},
        "ds:SignatureMethod": {_RSA_SHA256},
        "ds:Reference/ds:DigestMethod": {_SHA256},
        "ds:Reference/ds:Transforms/ds:Transform": {_EXCLUSIVE},
    }
    for path, allowed in wanted.items():
        if set(info.xpath(path + "/@Algorithm", namespaces=_NS)) != allowed:
            raise _refused("an algorithm is not allowed")


def _signed_elements(envelope: Element, signature: Element) -> list[Element]:
    uris = signature.xpath("ds:SignedInfo/ds:Reference/@URI", namespaces=_NS)
    signed = []
    for uri in uris:
        found = envelope.xpath("//*[@wsu:Id=$wanted]", namespaces=_NS, wanted=uri[1:])
        if not uri.startswith("#") or len(found) != 1:
            raise _refused("a reference must name one wsu:Id of the message")
        signed.append(found[0])
    return signed


def _check_value(signature: Element, signed: list[Element], identity: Identity) -> None:
    context = xmlsec.SignatureContext()
    for element in signed:
        context.register_id(element, "Id", WSU)
    context.key = xmlsec.Key.from_memory(identity.trusted_pem, constants.KeyDataFormatCertPem, None)
    try:
        context.verify(signature)
    except xmlsec.Error as error:
        raise _refused("the value does not verify") from error


def _check_fresh(timestamp: Element, now: datetime) -> None:
    try:
        created, expires = (
            datetime.fromisoformat(_only(timestamp, f"wsu:{name}", f"one {name}").text)
            for name in ("Created", "Expires")
        )
        fresh = created - VALID_FOR <= now < expires and created > now - VALID_FOR
    except (TypeError, ValueError) as error:
        raise _refused("the Timestamp cannot be read") from error
    if not fresh:
        raise _refused("the Timestamp is not fresh")


def sign(envelope: Element, identity: Identity, now: datetime) -> bytes:
    """Put token, Timestamp and Signature into a new Security header; the bytes must not be changed afterwards."""
    header = envelope.find(f"{{{SOAP}}}Header")
    if header is None:
        header = etree.Element(f"{{{SOAP}}}Header")
        envelope.insert(0, header)
    security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
    security.set(f"{{{SOAP}}}mustUnderstand", "1")
    parts = [_token(security, identity), _timestamp(security, now), envelope.find(f"{{{SOAP}}}Body")]
    for part, name in zip(parts, ("token", "timestamp", "body"), strict=True):
        part.set(f"{{{WSU}}}Id", name)
    _sign_parts(security, parts, identity)
    return bytes(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"))


def _token(security: Element, identity: Identity) -> Element:
    token = etree.SubElement(security, f"{{{WSSE}}}BinarySecurityToken", ValueType=_X509, EncodingType=_BASE64)
    token.text = _token_text(identity.cert_pem)
    return token


def _timestamp(security: Element, now: datetime) -> Element:
    timestamp = etree.SubElement(security, f"{{{WSU}}}Timestamp")
    for name, moment in (("Created", now), ("Expires", now + VALID_FOR)):
        etree.SubElement(timestamp, f"{{{WSU}}}{name}").text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return timestamp


def _sign_parts(security: Element, parts: list[Element], identity: Identity) -> None:
    signature = xmlsec.template.create(security, constants.TransformExclC14N, constants.TransformRsaSha256)
    security.append(signature)
    context = xmlsec.SignatureContext()
    for part in parts:
        context.register_id(part, "Id", WSU)
        uri = "#" + part.get(f"{{{WSU}}}Id")
        reference = xmlsec.template.add_reference(signature, constants.TransformSha256, uri=uri)
        xmlsec.template.add_transform(reference, constants.TransformExclC14N)
    key_info = xmlsec.template.ensure_key_info(signature)
    token_reference = etree.SubElement(key_info, f"{{{WSSE}}}SecurityTokenReference")
    etree.SubElement(token_reference, f"{{{WSSE}}}Reference", URI="#token", ValueType=_X509)
    context.key = xmlsec.Key.from_memory(identity.key_pem, constants.KeyDataFormatPem, None)
    context.sign(signature)
