"""Who signed: the one key that both ends agreed on outside the messages, and every way in which KeyInfo may name it.

KeyInfo never brings a key. It is read only to refuse a message that names another one.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

import pybase64
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.purpose import Purpose, require_purpose
from gateway.wire.seals import refusal
from gateway.wire.seals.xml.algorithms import Method, VerifyingKey, verifying_key
from gateway.wire.seals.xml.names import BASE64, THUMBPRINT, X509_SKI, X509_V3, ds, wsse
from gateway.wire.seals.xml.tree import Ids, by_reference, octets, only

_AFTER_COMMA = re.compile(r"(?<!\\),\s+")
_OTHER_NAMES = {
    "E": NameOID.EMAIL_ADDRESS,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "S": NameOID.STATE_OR_PROVINCE_NAME,
}


class KeyReference(StrEnum):
    """How our own message says which key signed it."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - a BinarySecurityToken
    SKI = "ski"
    THUMBPRINT = "thumbprint"
    ISSUER_SERIAL = "issuer-serial"
    X509_DATA = "x509-data"


@dataclass(frozen=True)
class Identity:
    """A key and, where there is one, the certificate that carries it."""

    key: VerifyingKey
    certificate: x509.Certificate | None

    @cached_property
    def not_after(self) -> datetime:
        return datetime.max.replace(tzinfo=UTC) if self.certificate is None else self.certificate.not_valid_after_utc

    def require_current(self, now: datetime) -> None:
        if now > self.not_after:
            raise refusal.stale("the partner's certificate has expired")

    def require_ours_current(self, now: datetime) -> None:
        if now > self.not_after:
            raise ConfigRefused(
                "our signing certificate has expired", code="certificate-expired", hint="load a renewed certificate"
            )

    @cached_property
    def der(self) -> bytes:
        return self._own().public_bytes(Encoding.DER)

    @cached_property
    def thumbprint(self) -> bytes:
        """SHA-1 of the certificate: a name in WS-Security 1.1 and no proof of anything."""
        return hashlib.sha1(self.der, usedforsecurity=False).digest()

    @cached_property
    def ski(self) -> bytes:
        """The certificate's subject key identifier; where it has none, SHA-1 of the key, as RFC 5280 makes it."""
        try:
            return self._own().extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        except x509.ExtensionNotFound:
            return x509.SubjectKeyIdentifier.from_public_key(self.key).digest

    @cached_property
    def issuer_serial(self) -> tuple[x509.Name, int]:
        return self._own().issuer, self._own().serial_number

    def _own(self) -> x509.Certificate:
        if self.certificate is None:
            raise refusal.untrusted()
        return self.certificate


def identity(keys: KeyRing, name: str, method: Method, *, certificate: bool) -> Identity:
    """The key under ``name``; with ``certificate`` it must have one. Raises ``ConfigRefused``."""
    key = verifying_key(keys, name, method)
    try:
        found = keys.certificate(name)
    except ConfigRefused:
        if certificate:
            raise
        return Identity(key, None)
    require_purpose(name, found, Purpose.SIGN)
    return Identity(key, found)


def key_info(reference: KeyReference, own: Identity, token_id: str = "") -> str:
    """The content of our KeyInfo, already canonical where the prefixes ``ds`` and ``wsse`` are declared outside."""
    match reference:
        case KeyReference.NONE:
            return ""
        case KeyReference.TOKEN:
            return f'<wsse:Reference URI="#{token_id}" ValueType="{X509_V3}"></wsse:Reference>'
        case KeyReference.SKI:
            return _identifier(X509_SKI, own.ski)
        case KeyReference.THUMBPRINT:
            return _identifier(THUMBPRINT, own.thumbprint)
        case KeyReference.ISSUER_SERIAL:
            return _issuer_serial(own)
        case KeyReference.X509_DATA:
            return f"<ds:X509Data><ds:X509Certificate>{_b64(own.der)}</ds:X509Certificate></ds:X509Data>"


def in_token_reference(content: str) -> str:
    return f"<wsse:SecurityTokenReference>{content}</wsse:SecurityTokenReference>"


def _b64(data: bytes) -> str:
    return pybase64.b64encode(data).decode()


def _issuer_serial(own: Identity) -> str:
    issuer, serial = own.issuer_serial
    name = issuer.rfc4514_string().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f"<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>{name}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
    )


def _identifier(kind: str, value: bytes) -> str:
    return f'<wsse:KeyIdentifier EncodingType="{BASE64}" ValueType="{kind}">{_b64(value)}</wsse:KeyIdentifier>'


class Claimed:
    """What one KeyInfo says about the signer, held against an agreed identity."""

    def __init__(self, info: etree._Element, ids: Ids, security: etree._Element | None = None) -> None:
        """``security`` is the WS-Security header in which a token must lie; without it KeyInfo is plain XML-DSig."""
        self._ids = ids
        self._security = security
        if security is None:
            self._named = [child for child in info if isinstance(child.tag, str)]
        else:
            reference = only(info, wsse("SecurityTokenReference"), "KeyInfo must hold one token reference")
            if len(info) != 1 or len(reference) != 1:
                raise refusal.form("KeyInfo must name one key in one way")
            self._named = [reference[0]]

    def require(self, peer: Identity) -> None:
        """Raise ``SealRefused`` unless everything in KeyInfo names ``peer``."""
        for part in self._named:
            self._require(part, peer)

    def _require(self, part: etree._Element, peer: Identity) -> None:
        if part.tag == ds("X509Data"):
            _x509_data(part, peer)
        elif part.tag == ds("KeyValue") and self._security is None:
            _key_value(part, peer)
        elif part.tag == wsse("Reference") and self._security is not None:
            _same(octets(self._token(part)), peer.der)
        elif part.tag == wsse("KeyIdentifier") and self._security is not None:
            _key_identifier(part, peer)
        else:
            raise refusal.form("KeyInfo points to a key in a way that was not agreed")

    def _token(self, reference: etree._Element) -> etree._Element:
        token = by_reference(self._ids, reference.get("URI", ""))
        if token.getparent() is not self._security or token.tag != wsse("BinarySecurityToken"):
            raise refusal.form("KeyInfo must point to the token of this security header")
        return token


def _same(claimed: bytes, agreed: bytes) -> None:
    if not hmac.compare_digest(claimed, agreed):
        raise refusal.untrusted()


def _key_identifier(part: etree._Element, peer: Identity) -> None:
    kind = part.get("ValueType", "")
    if kind not in (X509_SKI, THUMBPRINT, X509_V3):
        raise refusal.form("a key identifier is of a kind that was not agreed")
    agreed = {X509_SKI: peer.ski, THUMBPRINT: peer.thumbprint, X509_V3: peer.der}[kind]
    _same(octets(part), agreed)


def _x509_data(data: etree._Element, peer: Identity) -> None:
    """Further certificates are the sender's chain and prove nothing; the first one must be the agreed one."""
    certificates = data.findall(ds("X509Certificate"))
    if certificates:
        _same(octets(certificates[0]), peer.der)
    for part in data.findall(ds("X509SKI")):
        _same(octets(part), peer.ski)
    for part in data.findall(ds("X509IssuerSerial")):
        _issued(part, peer)
    known = {ds(name) for name in ("X509Certificate", "X509SKI", "X509IssuerSerial", "X509SubjectName")}
    named = known - {ds("X509SubjectName")}
    if any(part.tag not in known for part in data) or not any(part.tag in named for part in data):
        raise refusal.form("X509Data must hold the certificate, its key identifier, or its issuer and serial number")


def _issued(part: etree._Element, peer: Identity) -> None:
    issuer, serial = peer.issuer_serial
    text = (only(part, ds("X509IssuerName"), "one issuer name").text or "").strip()
    number = (only(part, ds("X509SerialNumber"), "one serial number").text or "").strip()
    try:
        claimed = x509.Name.from_rfc4514_string(_AFTER_COMMA.sub(",", text), _OTHER_NAMES)
    except ValueError:
        raise refusal.form("an issuer name can't be read") from None
    # Some stacks write a name's parts in the order of the certificate, others in that of RFC 4514.
    same_name = issuer in (claimed, x509.Name(list(reversed(claimed.rdns))))
    if not same_name or number != str(serial):
        raise refusal.untrusted()


def _key_value(part: etree._Element, peer: Identity) -> None:
    value = only(part, ds("RSAKeyValue"), "a KeyValue holds one RSA key")
    if not isinstance(peer.key, rsa.RSAPublicKey):
        raise refusal.untrusted()
    numbers = peer.key.public_numbers()
    for name, agreed in (("Modulus", numbers.n), ("Exponent", numbers.e)):
        if int.from_bytes(octets(only(value, ds(name), f"one {name}")), "big") != agreed:
            raise refusal.untrusted()
