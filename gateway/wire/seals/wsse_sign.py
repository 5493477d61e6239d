"""Signing a SOAP envelope: token, timestamp and Body under one RSA-SHA256 signature.

The security header is written as text that is already in its exclusive canonical form (each part declares the
namespaces it uses, attributes sorted, no empty-element tags), so that the XML library canonicalises only the Body.
"""

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256 as SHA256_HASH
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.wire.seals import refusal
from gateway.wire.seals.wsse_names import (
    BASE64,
    DS,
    EXC_C14N,
    RSA_SHA256,
    SHA256,
    SOAP11,
    SOAP12,
    WSSE,
    WSU,
    WSU_ID,
    X509_V3,
)

_TOKEN = (
    f'<wsse:BinarySecurityToken xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" EncodingType="{BASE64}" ValueType="{X509_V3}"'
    ' wsu:Id="%s">%s</wsse:BinarySecurityToken>'
)
_TIMESTAMP = (
    f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="%s"><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires>'
    "</wsu:Timestamp>"
)
_REFERENCE = (
    f'<ds:Reference URI="#%s"><ds:Transforms><ds:Transform Algorithm="{EXC_C14N}"></ds:Transform></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod><ds:DigestValue>%s</ds:DigestValue></ds:Reference>'
)
_SIGNED_INFO = (
    f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{EXC_C14N}"></ds:CanonicalizationMethod>'
    f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"></ds:SignatureMethod>%s</ds:SignedInfo>'
)
_SECURITY = (
    f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:env="%s" env:mustUnderstand="1">%s%s<ds:Signature xmlns:ds="{DS}">%s'
    "<ds:SignatureValue>%s</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference>"
    f'<wsse:Reference URI="#%s" ValueType="{X509_V3}"></wsse:Reference>'
    "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security>"
)


class Signer:
    """One key and certificate; the token's text and digest are made once."""

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate, valid_for: timedelta) -> None:
        self._key = key
        self._valid_for = valid_for
        self._token_id = _fresh_id("X509")
        der = certificate.public_bytes(Encoding.DER)
        self._token = _TOKEN % (self._token_id, base64.b64encode(der).decode())
        self._token_reference = _REFERENCE % (self._token_id, _digest(self._token.encode()))

    def sign(self, envelope: bytes, now: datetime) -> bytes:
        """The envelope with a security header. Raises ``SealRefused`` (seal-form) when it is no SOAP envelope."""
        root, header, body = _parts(envelope)
        body_id = _fresh_id("Body")
        body.set(WSU_ID, body_id)
        body_reference = _REFERENCE % (body_id, _digest(etree.tostring(body, method="c14n", exclusive=True)))
        security = self._security(etree.QName(root).namespace or "", body_reference, now)
        # The header is put in as text, since moving nodes between documents may rename prefixes inside what was signed.
        # The parser drops comments, so this one stands in the document exactly once.
        place = etree.Comment(_fresh_id("security"))
        header.insert(0, place)
        return etree.tostring(root, encoding="UTF-8").replace(b"<!--%s-->" % (place.text or "").encode(), security, 1)

    def _security(self, soap: str, body_reference: str, now: datetime) -> bytes:
        stamp_id = _fresh_id("TS")
        created = now.astimezone(UTC)
        stamp = _TIMESTAMP % (stamp_id, _instant(created), _instant(created + self._valid_for))
        references = self._token_reference + _REFERENCE % (stamp_id, _digest(stamp.encode())) + body_reference
        signed_info = _SIGNED_INFO % references
        value = self._key.sign(signed_info.encode(), padding.PKCS1v15(), SHA256_HASH())
        value_text = base64.b64encode(value).decode()
        return (_SECURITY % (soap, self._token, stamp, signed_info, value_text, self._token_id)).encode()


def _parts(envelope: bytes) -> tuple[etree._Element, etree._Element, etree._Element]:
    try:
        root = parse_xml(envelope)
    except MessageRefused:
        raise refusal.form("the document to sign is no XML") from None
    soap = etree.QName(root).namespace
    bodies = root.findall(f"{{{soap}}}Body")
    if root.tag not in (f"{{{SOAP11}}}Envelope", f"{{{SOAP12}}}Envelope") or len(bodies) != 1:
        raise refusal.form("the document to sign is no SOAP envelope with one Body")
    header = root.find(f"{{{soap}}}Header")
    if header is None:
        header = etree.Element(f"{{{soap}}}Header")
        root.insert(0, header)
    return root, header, bodies[0]


def _fresh_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(8)}"


def _digest(canonical: bytes) -> str:
    return base64.b64encode(hashlib.sha256(canonical).digest()).decode()


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
