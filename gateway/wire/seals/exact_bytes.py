"""``exact-bytes``: a signature in an HTTP header over the body as it travels, with a time and a nonce before it.

Nothing is parsed before the signature holds. The parts of the signed text are joined by a mark that none but the body may
hold, so that no byte can move from one part into another.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import pybase64

from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal, signatures
from gateway.wire.seals.base import HeaderSeal, Plain, Role, Sealed
from gateway.wire.seals.canonical import Tail, build_tail
from gateway.wire.seals.encodings import Encoding
from gateway.wire.seals.freshness import Freshness, build_freshness
from gateway.wire.seals.settings import Answers, Settings

SETTINGS = signatures.SETTINGS | {
    "signature_header",
    "encoding",
    "over",
    "separator",
    "key_text",
    "time_header",
    "time_form",
    "window_s",
    "nonce_header",
    "content_type",
    "answers",
}
_PART = re.compile(r"[A-Za-z0-9 :._-]{1,128}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class Over(StrEnum):
    """Whether the body's own bytes or their Base64 text is signed."""

    BYTES = "bytes"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True)
class SignedText:
    over: Over
    separator: bytes
    tail: Tail

    def write(self, parts: tuple[str, ...], body: bytes) -> bytes:
        signed = pybase64.b64encode(body) if self.over is Over.BASE64 else body
        return self.separator.join((*(part.encode() for part in parts), signed)) + self.tail.end("").encode()


@dataclass(frozen=True, slots=True)
class ExactBytesSeal(HeaderSeal):
    profile: str
    signatures: signatures.Signatures
    text: SignedText
    encoding: Encoding
    signature_header: str
    time_header: str
    nonce_header: str
    freshness: Freshness
    content_type: str
    answers: Answers
    key_ids: tuple[str, ...]

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        if self.answers.apply_to(role):
            return Sealed(plain.document, self.content_type)
        headers = {}
        if self.time_header:
            headers[self.time_header] = self.freshness.write(now)
        if self.nonce_header:
            headers[self.nonce_header] = secrets.token_hex(16)
        text = self.text.write(tuple(headers.values()), plain.document)
        headers[self.signature_header] = self.encoding.write(self.signatures.sign(text))
        return Sealed(plain.document, self.content_type, headers, self.key_ids)

    def open_with(self, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:
        if self.answers.apply_to(role):
            return Plain(body)
        signature = headers.get(self.signature_header.lower(), "")
        if not signature:
            raise refusal.unsigned()
        stamp, nonce = self._part(headers, self.time_header), self._part(headers, self.nonce_header)
        text = self.text.write(tuple(part for part in (stamp, nonce) if part), body)
        if not self.signatures.verify(self._bytes(signature), text):
            raise refusal.signature()
        if stamp:
            self.freshness.require(stamp, now)
        return Plain(body, once=nonce or hashlib.sha256(text).hexdigest())

    def _part(self, headers: Mapping[str, str], name: str) -> str:
        if not name:
            return ""
        part = headers.get(name.lower(), "")
        if not part:
            raise refusal.form("the message lacks its time or its nonce")
        if not _PART.fullmatch(part):
            raise refusal.ambiguous("the time or the nonce holds a character that could end it early")
        return part

    def _bytes(self, signature: str) -> bytes:
        try:
            return self.encoding.read(signature)
        except ValueError:
            raise refusal.signature("the signature is not written as agreed") from None


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> ExactBytesSeal:  # noqa: ARG001 - builders' shape
    """Settings: those of the signature; ``signature_header`` (X-Signature), ``encoding`` (base64), ``over`` (bytes | base64),
    ``time_header``, ``nonce_header`` (none), ``separator`` (a line break), ``time_form`` (ms), ``window_s`` (300),
    ``key_text`` and ``secret`` (see build_tail), ``content_type`` (application/json), ``answers`` (sealed | plain).
    """
    settings = Settings("exact-bytes", config, SETTINGS)
    separator = settings.text("separator", "\n")
    if any(_PART.fullmatch(mark) for mark in separator):
        raise settings.refuse("separator", "must hold no character that a time or a nonce may hold")
    signature, stamp, nonce = (
        settings.text("signature_header", "X-Signature"),
        settings.optional("time_header"),
        settings.optional("nonce_header"),
    )
    if any(name and not _HEADER.fullmatch(name) for name in (signature, stamp, nonce)):
        raise settings.refuse("signature_header", "and the other headers must be plain header names")
    text = SignedText(settings.choice("over", Over, Over.BYTES), separator.encode(), build_tail(settings, keys))
    return ExactBytesSeal(
        settings.profile,
        signatures.build_signatures(settings, keys),
        text,
        settings.choice("encoding", Encoding, Encoding.BASE64),
        signature,
        stamp,
        nonce,
        build_freshness(settings),
        settings.text("content_type", "application/json"),
        settings.choice("answers", Answers, Answers.SEALED),
        signatures.key_names(settings),
    )
