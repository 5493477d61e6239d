"""XML-Enc for a SOAP Body's content: a fresh content key per message, wrapped by the receiver's RSA key.

Every failure between unwrapping the key and reading the content is one and the same refusal, and an unwrapped key that does
not fit is replaced by a random one, so that no sender learns where it went wrong (W3C XML Encryption 1.1, section 6.4).
"""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from gateway.kernel.errors import SealRefused
from gateway.wire.seals import refusal
from gateway.wire.seals.xml.names import CONTENT, DS, WSSE, XENC, XENC11, ds, wsse, xenc, xenc11
from gateway.wire.seals.xml.tree import octets, only, parse, soap_parts

_BLOCK = 16
_NONCE = 12


class Order(StrEnum):
    """What the sender does first; the receiver undoes it last."""

    SIGN_FIRST = "sign-first"
    ENCRYPT_FIRST = "encrypt-first"


class KeyPlace(StrEnum):
    """Where our own message carries the wrapped key; both places are read."""

    INLINE = "inline"
    HEADER = "header"


class Content(StrEnum):
    """The content cipher. CBC shows a tampered message to nobody, so it loads under a dated exception only."""

    AES256_GCM = "aes256-gcm"
    AES128_GCM = "aes128-gcm"
    AES256_CBC = "aes256-cbc"
    AES128_CBC = "aes128-cbc"

    @property
    def uri(self) -> str:
        return (XENC if self.cbc else XENC11) + self.value

    @property
    def cbc(self) -> bool:
        return self.value.endswith("cbc")

    @property
    def key_bytes(self) -> int:
        return 32 if self.value.startswith("aes256") else 16

    def encrypt(self, key: bytes, data: bytes) -> bytes:
        if not self.cbc:
            nonce = os.urandom(_NONCE)
            return nonce + AESGCM(key).encrypt(nonce, data, None)
        start, length = os.urandom(_BLOCK), _BLOCK - len(data) % _BLOCK
        cipher = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
        return start + cipher.update(data + os.urandom(length - 1) + bytes([length])) + cipher.finalize()

    def decrypt(self, key: bytes, data: bytes) -> bytes:
        """Raises ``ValueError`` or ``InvalidTag``."""
        if not self.cbc:
            return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], None)
        cipher = Cipher(algorithms.AES(key), modes.CBC(data[:_BLOCK])).decryptor()
        padded = cipher.update(data[_BLOCK:]) + cipher.finalize()
        if not padded or not 1 <= padded[-1] <= _BLOCK:
            raise ValueError
        return padded[: -padded[-1]]


@dataclass(frozen=True, slots=True)
class _Wrapping:
    uri: str
    digest: str
    mask: str
    padding: padding.OAEP | padding.PKCS1v15

    def parameters(self) -> str:
        digest = f'<ds:DigestMethod Algorithm="{self.digest}"></ds:DigestMethod>' if self.digest else ""
        mask = f'<xenc11:MGF xmlns:xenc11="{XENC11}" Algorithm="{self.mask}"></xenc11:MGF>' if self.mask else ""
        return digest + mask


def _oaep(digest: hashes.HashAlgorithm, mask: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(mask), digest, None)


_SHA1, _SHA256 = DS + "sha1", XENC + "sha256"


class KeyTransport(StrEnum):
    """How the content key is wrapped. SHA-1 inside OAEP is not a weakness (RFC 8017, B.1); RSA1_5 is."""

    OAEP_SHA256 = "rsa-oaep-sha256"
    OAEP_MGF1P = "rsa-oaep-mgf1p"
    OAEP_MGF1P_SHA256 = "rsa-oaep-mgf1p-sha256"
    RSA1_5 = "rsa-1_5"

    @property
    def wrapping(self) -> _Wrapping:
        return _WRAPPINGS[self]


_WRAPPINGS: Mapping[KeyTransport, _Wrapping] = {
    KeyTransport.OAEP_SHA256: _Wrapping(
        XENC11 + "rsa-oaep", _SHA256, XENC11 + "mgf1sha256", _oaep(hashes.SHA256(), hashes.SHA256())
    ),
    KeyTransport.OAEP_MGF1P: _Wrapping(
        XENC + "rsa-oaep-mgf1p",
        _SHA1,
        "",
        _oaep(hashes.SHA1(), hashes.SHA1()),  # noqa: S303
    ),
    KeyTransport.OAEP_MGF1P_SHA256: _Wrapping(
        XENC + "rsa-oaep-mgf1p",
        _SHA256,
        "",
        _oaep(hashes.SHA256(), hashes.SHA1()),  # noqa: S303
    ),
    KeyTransport.RSA1_5: _Wrapping(XENC + "rsa-1_5", "", "", padding.PKCS1v15()),
}


@dataclass(frozen=True, slots=True)
class Encryption:
    """One partner's agreed encryption of the Body."""

    content: Content
    transport: KeyTransport
    order: Order
    place: KeyPlace
    own: rsa.RSAPrivateKey
    peer: rsa.RSAPublicKey
    recipient: str
    """The token reference by which the receiver finds its key; empty where it knows."""

    def encrypt(self, envelope: bytes) -> bytes:
        """The envelope with its Body's content encrypted to the peer."""
        root = parse(envelope)
        soap, body = soap_parts(root)
        key = os.urandom(self.content.key_bytes)
        data = self.content.encrypt(key, _inner(body))
        names = f"EK-{secrets.token_hex(8)}", f"ED-{secrets.token_hex(8)}"
        wrapped = self._wrapped_text(key, *names)
        inline = self.place is KeyPlace.INLINE
        info = wrapped if inline else _TO_HEADER % names[0]
        for child in list(body):
            body.remove(child)
        body.text = None
        body.append(place := etree.Comment(names[1]))
        texts = {place: _DATA % (names[1], self.content.uri, info, _b64(data))}
        if not inline:
            security = _security(root, soap)
            security.insert(0, key_place := etree.Comment(names[0]))
            texts[key_place] = wrapped
        written = etree.tostring(root, encoding="UTF-8")
        for comment, text in texts.items():
            written = written.replace(b"<!--%s-->" % (comment.text or "").encode(), text.encode(), 1)
        return written

    def decrypt(self, envelope: bytes, whole: bytes | None = None) -> bytes:
        """The envelope with its Body's content in clear. ``whole`` is the message that ``envelope`` was taken from, where a
        wrapped key may lie in the security header. Raises ``SealRefused``.
        """
        root = parse(envelope)
        body = soap_parts(root)[1]
        data = self._encrypted(body)
        wrapped = self._wrapped(data, root if whole is None else parse(whole), signed_only=whole is not None)
        text, key_text = _cipher_value(data), _cipher_value(wrapped)
        body.replace(data, place := etree.Comment(f"content-{secrets.token_hex(8)}"))
        written = etree.tostring(root, encoding="UTF-8")
        mark = b"<!--%s-->" % (place.text or "").encode()
        try:
            opened = written.replace(mark, self.content.decrypt(self._unwrap(key_text), text), 1)
            soap_parts(parse(opened))
        except (ValueError, InvalidTag, SealRefused):
            raise refusal.decrypt() from None
        return opened

    def _encrypted(self, body: etree._Element) -> etree._Element:
        """The Body's only child. Nothing else in the message may be encrypted or stand beside it."""
        if body.find(xenc("EncryptedData")) is None:
            raise refusal.not_encrypted()
        data = only(body, xenc("EncryptedData"), "the Body must hold one EncryptedData")
        beside = [body.text, data.tail]
        if len(body) != 1 or any((text or "").strip() for text in beside) or data.get("Type") != CONTENT:
            raise refusal.form("the Body must hold its encrypted content and nothing else")
        method = only(data, xenc("EncryptionMethod"), "one EncryptionMethod")
        if method.get("Algorithm") != self.content.uri or len(method):
            raise refusal.algorithm()
        return data

    def _wrapped(self, data: etree._Element, whole: etree._Element, *, signed_only: bool) -> etree._Element:
        """The message's only wrapped key, inside the encrypted content or in the security header."""
        found = [*data.iter(xenc("EncryptedKey"))]
        everywhere = [*whole.iter(xenc("EncryptedKey"))]
        if not found and not (signed_only and self._weak):
            found = [key for key in everywhere if getattr(key.getparent(), "tag", "") == wsse("Security")]
        if len(found) != 1 or len(everywhere) != 1:
            raise refusal.form("the message must hold one wrapped key, where it was agreed")
        method = only(found[0], xenc("EncryptionMethod"), "one EncryptionMethod")
        self._require_transport(method)
        return found[0]

    def _require_transport(self, method: etree._Element) -> None:
        agreed = self.transport.wrapping
        digest, mask = method.find(ds("DigestMethod")), method.find(xenc11("MGF"))
        said = (
            method.get("Algorithm"),
            digest.get("Algorithm") if digest is not None else (_SHA1 if agreed.digest else ""),
            mask.get("Algorithm") if mask is not None else "",
        )
        extra = len(method) - (digest is not None) - (mask is not None)
        if said != (agreed.uri, agreed.digest, agreed.mask) or extra:
            raise refusal.algorithm()

    @property
    def _weak(self) -> bool:
        return self.content.cbc or self.transport is KeyTransport.RSA1_5

    def _unwrap(self, wrapped: bytes) -> bytes:
        try:
            key = self.own.decrypt(wrapped, self.transport.wrapping.padding)
        except ValueError:
            key = b""
        return key if len(key) == self.content.key_bytes else os.urandom(self.content.key_bytes)

    def _wrapped_text(self, key: bytes, key_id: str, data_id: str) -> str:
        wrapping = self.transport.wrapping
        info = f"<ds:KeyInfo>{self.recipient}</ds:KeyInfo>" if self.recipient else ""
        points = f'<xenc:ReferenceList><xenc:DataReference URI="#{data_id}"></xenc:DataReference></xenc:ReferenceList>'
        in_header = self.place is KeyPlace.HEADER
        return _KEY % (
            key_id,
            wrapping.uri,
            wrapping.parameters(),
            info if in_header else "",
            _b64(self.peer.encrypt(key, wrapping.padding)),
            points if in_header else "",
        )


_VALUE = "<xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData>"
_KEY = (
    f'<xenc:EncryptedKey xmlns:xenc="{XENC}" xmlns:ds="{DS}" xmlns:wsse="{WSSE}" Id="%s">'
    f'<xenc:EncryptionMethod Algorithm="%s">%s</xenc:EncryptionMethod>%s{_VALUE}%s</xenc:EncryptedKey>'
)
_DATA = (
    f'<xenc:EncryptedData xmlns:xenc="{XENC}" xmlns:ds="{DS}" Id="%s" Type="{CONTENT}">'
    f'<xenc:EncryptionMethod Algorithm="%s"></xenc:EncryptionMethod><ds:KeyInfo>%s</ds:KeyInfo>{_VALUE}</xenc:EncryptedData>'
)
_TO_HEADER = (
    f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}"><wsse:Reference URI="#%s"></wsse:Reference>'
    "</wsse:SecurityTokenReference>"
)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _inner(body: etree._Element) -> bytes:
    """The Body's content as text that declares every namespace it uses."""
    text = escape(body.text or "", {"\r": "&#13;"}).encode()
    return text + b"".join(etree.tostring(child, encoding="UTF-8", xml_declaration=False) for child in body)


def _cipher_value(holder: etree._Element) -> bytes:
    """Never a CipherReference: nothing outside the message is fetched."""
    data = only(holder, xenc("CipherData"), "one CipherData")
    if len(data) != 1:
        raise refusal.form("encrypted content must lie in the message itself")
    return octets(only(data, xenc("CipherValue"), "one CipherValue"))


def _security(root: etree._Element, soap: str) -> etree._Element:
    header = root.find(f"{{{soap}}}Header")
    if header is None:
        root.insert(0, header := etree.Element(f"{{{soap}}}Header"))
    security = header.find(wsse("Security"))
    if security is None:
        security = etree.SubElement(header, wsse("Security"), nsmap={"wsse": WSSE})
    return security
