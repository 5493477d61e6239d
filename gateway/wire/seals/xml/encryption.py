"""XML-Enc for a SOAP Body's content: a fresh content key per message, wrapped by the receiver's RSA key.

Every failure between unwrapping the key and reading the content is one and the same refusal, and an unwrapped key that does
not fit is replaced by a random one, so that no sender learns where it went wrong (W3C XML Encryption 1.1, section 6.4).
"""

import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape

import pybase64
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from gateway.kernel.errors import SealRefused
from gateway.wire.seals import refusal
from gateway.wire.seals.xml.ciphers import Content, KeyTransport
from gateway.wire.seals.xml.draft import Draft
from gateway.wire.seals.xml.names import CONTENT, DS, WSSE, XENC, wsse, xenc
from gateway.wire.seals.xml.tree import octets, only, parse, soap_parts


class Order(StrEnum):
    """What the sender does first; the receiver undoes it last."""

    SIGN_FIRST = "sign-first"
    ENCRYPT_FIRST = "encrypt-first"


class KeyPlace(StrEnum):
    """Where our own message carries the wrapped key; both places are read."""

    INLINE = "inline"
    HEADER = "header"


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

    def encrypt(self, draft: Draft) -> None:
        """Put the Body's content, as it is now, behind the peer's key."""
        key = os.urandom(self.content.key_bytes)
        data = self.content.encrypt(key, _inner(draft.body))
        key_id, data_id = f"EK-{secrets.token_hex(8)}", f"ED-{secrets.token_hex(8)}"
        wrapped = self._wrapped_text(key, key_id, data_id)
        if self.place is KeyPlace.HEADER:
            draft.in_security, wrapped = wrapped, _TO_HEADER % key_id
        draft.replace_content(_DATA % (data_id, self.content.uri, wrapped, _b64(data)))

    def decrypt(self, envelope: bytes, whole: bytes | None = None) -> tuple[bytes, etree._Element]:
        """The envelope with its Body's content in clear, as bytes and as a tree. ``whole`` is the message that ``envelope`` was
        taken from, where a wrapped key may lie in the security header. Raises ``SealRefused``.
        """
        root = parse(envelope)
        body = soap_parts(root)[1]
        data = self._encrypted(body)
        wrapped = self._wrapped(data, root if whole is None else parse(whole), signed_only=whole is not None)
        text, key_text = _cipher_value(data), _cipher_value(wrapped)
        place = etree.Comment(f"content-{secrets.token_hex(8)}")
        body.replace(data, place)
        written, mark = etree.tostring(root, encoding="UTF-8"), etree.tostring(place, with_tail=False)
        try:
            opened = written.replace(mark, self.content.decrypt(self._unwrap(key_text), text), 1)
            clear = parse(opened)
            soap_parts(clear)
        except (ValueError, InvalidTag, SealRefused):
            raise refusal.decrypt() from None
        return opened, clear

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
        self.transport.require(only(found[0], xenc("EncryptionMethod"), "one EncryptionMethod"))
        return found[0]

    @property
    def _weak(self) -> bool:
        return self.content.cbc or self.transport.weak

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
    return pybase64.b64encode(data).decode()


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
