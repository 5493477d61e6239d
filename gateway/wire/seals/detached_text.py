"""``detached-text``: an RSA signature in an element of its own, over the exact bytes inside another element.

Source: docs/partners.md, ant. The bytes strictly between the first opening and the last closing tag are Base64-encoded,
and that text is signed (RSA PKCS#1 v1.5, SHA-256). Nothing is parsed before the signature holds.
"""

import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pybase64
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.settings import Answers, Settings

CONTENT_TYPE = "application/xml"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
_PADDING, _HASH = padding.PKCS1v15(), SHA256()
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Layout:
    """The envelope of one direction: the signed element's name and tags, and the bytes before and after the signature."""

    element: bytes
    opening: bytes
    closing: bytes
    own_tag: re.Pattern[bytes]
    head: bytes
    middle: bytes
    tail: bytes

    @classmethod
    def of(cls, root: str, signature: str, element: str) -> "Layout":
        outer, sign, inner = root.encode(), signature.encode(), element.encode()
        opening, closing = b"<%s>" % inner, b"</%s>" % inner
        own_tag = re.compile(rb"</?%s[\s>]" % re.escape(inner))
        head = b"%s<%s><%s>" % (_DECLARATION, outer, sign)
        return cls(inner, opening, closing, own_tag, head, b"</%s>" % sign + opening, b"%s</%s>" % (closing, outer))

    def join(self, signature: bytes, inner: bytes) -> bytes:
        return b"".join((self.head, signature, self.middle, inner, self.tail))


class DetachedTextSeal:
    profile = "detached-text"

    def __init__(
        self,
        own: rsa.RSAPrivateKey,
        peer: rsa.RSAPublicKey,
        layouts: Mapping[Role, Layout],
        signature: str,
        answers: Answers,
        key_ids: tuple[str, ...],
    ) -> None:
        self._own = own
        self._peer = peer
        self._layouts = layouts
        name = re.escape(signature.encode())
        self._signatures = re.compile(rb"<%s>([^<]*)</%s>" % (name, name)).findall
        self._bare = Role.ANSWER if answers is Answers.PLAIN else None
        self._key_ids = key_ids

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:  # noqa: ARG002 - this profile has no time
        """``plain.document`` is the whole document (its signature element is replaced) or just the signed element."""
        if role is self._bare:
            return Sealed(plain.document, CONTENT_TYPE)
        layout = self._layouts[role]
        inner, _ = cut(plain.document, layout)
        if not plain.utf8:
            require_utf8(inner)
        signature = pybase64.b64encode(self._own.sign(pybase64.b64encode(inner), _PADDING, _HASH))
        return Sealed(layout.join(signature, inner), CONTENT_TYPE, key_ids=self._key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:  # noqa: ARG002 - this profile has no time
        """The returned document is built anew around the verified bytes, with an empty signature element."""
        if role is self._bare:
            return Plain(body)
        layout = self._layouts[role]
        inner, around = cut(body, layout)
        require_utf8(inner)
        signature = self._signature(around)
        try:
            self._peer.verify(signature, pybase64.b64encode(inner), _PADDING, _HASH)
        except InvalidSignature:
            raise refusal.signature() from None
        # An answer comes on the connection that asked for it: nobody could bring it a second time.
        once = hashlib.sha256(signature).hexdigest() if role is Role.REQUEST else ""
        return Plain(layout.join(b"", inner), once=once)

    def _signature(self, around: bytes) -> bytes:
        found = self._signatures(around)
        if not found or not found[0].strip():
            raise refusal.unsigned()
        if len(found) > 1:
            raise refusal.form("the envelope holds more than one signature")
        try:
            return pybase64.b64decode(b"".join(found[0].split()), validate=True)
        except (binascii.Error, ValueError):
            raise refusal.signature("the signature is no Base64 text") from None


def cut(document: bytes, layout: Layout) -> tuple[bytes, bytes]:
    """The bytes inside the signed element and what stands around it. Raises ``SealRefused`` (seal-form) for an unclear cut."""
    opening, closing = layout.opening, layout.closing
    start, end = document.find(opening), document.rfind(closing)
    if start < 0 or end < start + len(opening):
        raise refusal.form("the envelope lacks the element that is signed")
    inner = document[start + len(opening) : end]
    if inner.find(layout.element) >= 0 and layout.own_tag.search(inner):
        raise refusal.form("the signed content holds a tag of its own envelope, so its end is ambiguous")
    return inner, document[:start] + document[end + len(closing) :]


def require_utf8(inner: bytes) -> None:
    """Raises ``SealRefused`` (seal-form)."""
    try:
        inner.decode("utf-8")
    except UnicodeDecodeError:
        raise refusal.form("the signed content is not UTF-8") from None


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> DetachedTextSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key``, ``peer_key``; ``root`` (document), ``signature_element`` (signature),
    ``request_element`` (request), ``answer_element`` (response), ``answers`` (sealed | plain).
    """
    known = {"own_key", "peer_key", "root", "signature_element", "request_element", "answer_element", "answers"}
    settings = Settings("detached-text", config, frozenset(known))
    own, peer = settings.text("own_key"), settings.text("peer_key")
    names = {
        "root": settings.text("root", "document"),
        "signature_element": settings.text("signature_element", "signature"),
        "request_element": settings.text("request_element", "request"),
        "answer_element": settings.text("answer_element", "response"),
    }
    for setting, name in names.items():
        if not _NAME.fullmatch(name):
            raise settings.refuse(setting, "must be an element name without prefix")
    signature = names["signature_element"]
    layouts = {
        Role.REQUEST: Layout.of(names["root"], signature, names["request_element"]),
        Role.ANSWER: Layout.of(names["root"], signature, names["answer_element"]),
    }
    answers = settings.choice("answers", Answers, Answers.SEALED)
    return DetachedTextSeal(keys.rsa_private(own), keys.rsa_public(peer), layouts, signature, answers, (own, peer))
