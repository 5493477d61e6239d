"""Verifying a signed SOAP envelope so strictly that what was signed is what is used.

One security header, one signature, ids that occur once, allow-lists for every algorithm, and the Body and Timestamp
matched as the very elements that a reader of the envelope would use: signature wrapping moves or doubles them.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256 as SHA256_HASH
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain
from gateway.wire.seals.wsse_names import EXC_C14N, RSA_SHA256, SHA256, SOAP11, SOAP12, WSU, ds, wsse, wsu

MAX_REFERENCES = 8
_ALL_IDS = etree.XPath("//@wsu:Id | //@Id | //@ID | //@id | //@xml:id", namespaces={"wsu": WSU})
_PREFIXES = f"{{{EXC_C14N}}}InclusiveNamespaces"


class Verifier:
    """Believes one certificate, which both ends agreed on outside the messages."""

    def __init__(self, certificate: x509.Certificate, key: rsa.RSAPublicKey, window: timedelta) -> None:
        self._certificate = certificate
        self._der = certificate.public_bytes(Encoding.DER)
        self._key = key
        self._window = window

    def verify(self, envelope: bytes, now: datetime) -> Plain:
        """An envelope that holds only the verified Body; ``once`` is the digest of the signature value."""
        root, body, security = _parts(envelope)
        signature = _only(security, ds("Signature"), "the security header must hold one signature")
        ids = _ids(root)
        value = self._check_signature(signature, security, ids, now)
        covered = list(_covered(_only(signature, ds("SignedInfo"), "one SignedInfo"), ids))
        if not any(element is body for element in covered):
            raise refusal.not_covered("the Body is not covered by the signature")
        stamp = _only(security, wsu("Timestamp"), "the security header must hold one Timestamp")
        if not any(element is stamp for element in covered):
            raise refusal.not_covered("the Timestamp is not covered by the signature")
        self._check_fresh(stamp, now)
        return Plain(_only_body(root, body), once=hashlib.sha256(value).hexdigest())

    def _check_signature(
        self, signature: etree._Element, security: etree._Element, ids: dict[str, etree._Element], now: datetime
    ) -> bytes:
        signed_info = _only(signature, ds("SignedInfo"), "a signature must hold one SignedInfo")
        method = _only(signed_info, ds("CanonicalizationMethod"), "one CanonicalizationMethod")
        algorithm = _only(signed_info, ds("SignatureMethod"), "one SignatureMethod").get("Algorithm")
        if method.get("Algorithm") != EXC_C14N or algorithm != RSA_SHA256:
            raise refusal.algorithm()
        self._check_token(_token(signature, security, ids), now)
        value = _bytes(_only(signature, ds("SignatureValue"), "one SignatureValue"))
        try:
            self._key.verify(value, _canonical(signed_info, method), padding.PKCS1v15(), SHA256_HASH())
        except InvalidSignature:
            raise refusal.signature() from None
        return value

    def _check_token(self, token: etree._Element, now: datetime) -> None:
        if not hmac.compare_digest(_bytes(token), self._der):
            raise refusal.untrusted()
        if now > self._certificate.not_valid_after_utc:
            raise refusal.stale("the partner's certificate has expired")

    def _check_fresh(self, stamp: etree._Element, now: datetime) -> None:
        created, expires = _time(stamp, "Created"), _time(stamp, "Expires")
        if not now - self._window <= created <= now + self._window or expires < max(now, created):
            raise refusal.stale()


def _parts(envelope: bytes) -> tuple[etree._Element, etree._Element, etree._Element]:
    try:
        root = parse_xml(envelope)
    except MessageRefused:
        raise refusal.form("the message is no XML without a DOCTYPE") from None
    soap = etree.QName(root).namespace
    if root.tag not in (f"{{{SOAP11}}}Envelope", f"{{{SOAP12}}}Envelope"):
        raise refusal.form("the message is no SOAP envelope")
    body = _only(root, f"{{{soap}}}Body", "an envelope must hold one Body")
    headers = root.findall(f"{{{soap}}}Header")
    if not headers or headers[0].find(wsse("Security")) is None:
        raise refusal.unsigned("the envelope carries no security header")
    header = _only(root, f"{{{soap}}}Header", "an envelope must hold one Header")
    return root, body, _only(header, wsse("Security"), "a header must hold one security header")


def _only(parent: etree._Element, tag: str, rule: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        if tag == ds("Signature") and not found:
            raise refusal.unsigned()
        raise refusal.form(f"rule broken: {rule}")
    return found[0]


def _ids(root: etree._Element) -> dict[str, etree._Element]:
    ids: dict[str, etree._Element] = {}
    found = _ALL_IDS(root)
    for value in found if isinstance(found, list) else []:
        parent = getattr(value, "getparent", lambda: None)()
        if str(value) in ids:
            raise refusal.duplicate_id()
        if isinstance(parent, etree._Element):
            ids[str(value)] = parent
    return ids


def _token(signature: etree._Element, security: etree._Element, ids: dict[str, etree._Element]) -> etree._Element:
    """The token that KeyInfo points to; it must lie in the same security header."""
    info = _only(signature, ds("KeyInfo"), "one KeyInfo")
    reference = _only(
        _only(info, wsse("SecurityTokenReference"), "one token reference"), wsse("Reference"), "one Reference"
    )
    uri = reference.get("URI", "")
    token = ids.get(uri[1:]) if uri.startswith("#") else None
    if token is None or token.getparent() is not security or token.tag != wsse("BinarySecurityToken"):
        raise refusal.form("KeyInfo must point to the token of this security header")
    return token


def _covered(signed_info: etree._Element, ids: dict[str, etree._Element]) -> Iterator[etree._Element]:
    """The elements whose digests hold."""
    references = signed_info.findall(ds("Reference"))
    if not 1 <= len(references) <= MAX_REFERENCES:
        raise refusal.form(f"a signature covers 1 to {MAX_REFERENCES} elements")
    for reference in references:
        uri = reference.get("URI", "")
        element = ids.get(uri[1:]) if uri.startswith("#") else None
        if element is None:
            raise refusal.form("a signature reference points to nothing in this message")
        digest = hashlib.sha256(_canonical(element, _transform(reference))).digest()
        if not hmac.compare_digest(digest, _bytes(_only(reference, ds("DigestValue"), "one DigestValue"))):
            raise refusal.signature("a signed element was changed")
        yield element


def _transform(reference: etree._Element) -> etree._Element:
    transforms = _only(reference, ds("Transforms"), "one Transforms").findall("*")
    method = _only(reference, ds("DigestMethod"), "one DigestMethod").get("Algorithm")
    if len(transforms) != 1 or transforms[0].tag != ds("Transform") or method != SHA256:
        raise refusal.algorithm()
    if transforms[0].get("Algorithm") != EXC_C14N:
        raise refusal.algorithm()
    return transforms[0]


def _canonical(element: etree._Element, method: etree._Element) -> bytes:
    listed = method.find(_PREFIXES)
    prefixes = listed.get("PrefixList", "").split() if listed is not None else None
    try:
        return etree.tostring(
            element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes
        )
    except etree.C14NError:
        raise refusal.form("a signed element has no canonical form (a relative namespace, for one)") from None


def _bytes(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise refusal.form("a binary value of the security header is no Base64 text") from None


def _time(stamp: etree._Element, name: str) -> datetime:
    text = _only(stamp, wsu(name), f"a Timestamp must hold one {name}").text or ""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise refusal.form("a Timestamp must give instants with a zone")
    return moment


def _only_body(root: etree._Element, body: etree._Element) -> bytes:
    """Everything else in the envelope is not proven and does not leave this module."""
    for child in list(root):
        if child is not body:
            root.remove(child)
    root.attrib.clear()
    root.text = body.tail = None
    body.attrib.pop(wsu("Id"), "")
    return etree.tostring(root, encoding="UTF-8")
