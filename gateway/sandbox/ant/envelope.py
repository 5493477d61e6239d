"""The signed envelope, variant A: what is signed is the Base64 text of the exact bytes inside request or response."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from lxml import etree

from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.sandbox.common.rules import Violation

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True, slots=True)
class Keys:
    own: Any
    gateway: Any

    @classmethod
    def load(cls, folder: Path) -> "Keys":
        return cls(
            RSA.import_key((folder / "ant-insurer-rsa.key.pem").read_bytes()),
            RSA.import_key((folder / "ant-gateway-rsa.pub.pem").read_bytes()),
        )


class Envelope(Protocol):
    """How a message is signed and put together; ``tag`` is request or response."""

    def seal(self, tag: str, inner: bytes) -> bytes: ...

    def open(self, tag: str, body: bytes) -> etree._Element:
        """The verified element: only what is under the signature. Raises ``Violation`` 401."""
        ...


class TextEnvelope(Envelope):
    """Variant A."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def seal(self, tag: str, inner: bytes) -> bytes:
        return seal(self._keys, tag, inner)

    def open(self, tag: str, body: bytes) -> etree._Element:
        return open_signed(self._keys, tag, body)


def seal(keys: Keys, tag: str, inner: bytes) -> bytes:
    """The document around ``<tag>inner</tag>``; ``inner`` is not touched after it was signed."""
    signature = base64.b64encode(pkcs1_15.new(keys.own).sign(SHA256.new(base64.b64encode(inner))))
    name = tag.encode()
    return DECLARATION + b"".join(
        (b"<document><signature>", signature, b"</signature><", name, b">", inner, b"</", name, b"></document>")
    )


def open_signed(keys: Keys, tag: str, body: bytes) -> etree._Element:
    """The verified ``<tag>`` element: only bytes under the signature are returned. Raises ``Violation`` 401."""
    inner = _cut(tag, body)
    signature = _parse(body).findtext("signature") or ""
    try:
        raw = base64.b64decode(signature, validate=True)
        pkcs1_15.new(keys.gateway).verify(SHA256.new(base64.b64encode(inner)), raw)
    except (ValueError, binascii.Error) as error:
        raise Violation("401", "验签失败") from error
    return _parse(b"<covered>" + inner + b"</covered>")


def _cut(tag: str, body: bytes) -> bytes:
    """The bytes strictly between the tags; a second pair would make the cut ambiguous."""
    start, end = f"<{tag}>".encode(), f"</{tag}>".encode()
    if body.count(start) != 1 or body.count(end) != 1:
        raise Violation("401", "报文结构错误")
    return body[body.index(start) + len(start) : body.index(end)]


def _parse(body: bytes) -> etree._Element:
    try:
        return parse_xml(body)
    except MessageRefused as error:
        raise Violation("401", "报文不是允许的XML") from error
