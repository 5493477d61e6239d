"""``jws``: a JSON Web Signature (RFC 7515) around or beside the document.

Forms: ``compact``, ``flattened`` (JSON) and ``detached``: the bytes of the body are signed as they travel (``b64: false``,
RFC 7797) and the signature stands in an HTTP header.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.base import HeaderSeal, Plain, Role, Sealed
from gateway.wire.seals.encodings import to_base64url
from gateway.wire.seals.freshness import Freshness, TimeForm
from gateway.wire.seals.jose import MAX_HEADER, base64url, header_of, require_agreed
from gateway.wire.seals.josekeys import SignAlgorithm, sign_keys
from gateway.wire.seals.members import json_bytes, json_object
from gateway.wire.seals.settings import Answers, Settings
from gateway.wire.seals.signatures import Signatures

KNOWN = frozenset(
    {
        "own_key",
        "peer_key",
        "secret",
        "key_form",
        "alg",
        "form",
        "field",
        "signature_header",
        "own_kid",
        "peer_kid",
        "typ",
        "time_header",
        "once_header",
        "window_s",
        "content_type",
        "answers",
    }
)
_OWN = frozenset({"alg", "b64", "crit", "kid", "typ", "cty"})


class Form(StrEnum):
    COMPACT = "compact"
    FLATTENED = "flattened"
    DETACHED = "detached"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both ends agreed on outside the message."""

    algorithm: SignAlgorithm
    form: Form
    field: str
    """The JSON member that carries a compact token; empty: the token is the body."""
    signature_header: str
    own_kid: str
    peer_kid: str
    typ: str
    time_header: str
    once_header: str
    freshness: Freshness

    deciding: Mapping[str, Any]
    """The header members that decide how a message is read, each with its one value."""


@dataclass(frozen=True, slots=True)
class JwsSeal(HeaderSeal):
    profile: str
    signatures: Signatures
    agreement: Agreement
    content_type: str
    answers: Answers
    key_ids: tuple[str, ...]

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        """``plain.protected`` becomes readable headers; it must not name one of the seal's own."""
        agreement = self.agreement
        if self.answers.apply_to(role):
            return Sealed(plain.document, self.content_type)
        head = to_base64url(json_bytes(self._header(plain, now)))
        detached = agreement.form is Form.DETACHED
        signed = b"%s.%s" % (head, plain.document if detached else to_base64url(plain.document))
        signature = to_base64url(self.signatures.sign(signed))
        if detached:
            headers = {agreement.signature_header: b"%s..%s" % (head, signature)}
            return Sealed(plain.document, self.content_type, _texts(headers), self.key_ids)
        if agreement.form is Form.FLATTENED:
            made = {"protected": head, "payload": signed[len(head) + 1 :], "signature": signature}
            return Sealed(json_bytes(_texts(made)), self.content_type, key_ids=self.key_ids)
        token = b"%s.%s" % (signed, signature)
        body = json_bytes(_texts({agreement.field: token})) if agreement.field else token
        return Sealed(body, self.content_type, key_ids=self.key_ids)

    def open_with(self, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:
        agreement = self.agreement
        if self.answers.apply_to(role):
            return Plain(body)
        if agreement.form is Form.DETACHED:
            head, payload, signature = _parts(
                headers.get(agreement.signature_header.lower(), "").encode("ascii", "replace")
            )
            if payload:
                raise refusal.ambiguous("a detached signature brings its own payload beside the body")
        elif agreement.form is Form.FLATTENED:
            head, payload, signature = _flattened(body)
        else:
            head, payload, signature = _parts(self._token(body))
        header = header_of(head)
        require_agreed(header, agreement.deciding, agreement.peer_kid)
        if not signature:
            raise refusal.unsigned()
        signed = b"%s.%s" % (head, body if agreement.form is Form.DETACHED else payload)
        if not self.signatures.verify(base64url(signature, "the signature is no Base64url text"), signed):
            raise refusal.signature()
        detached = agreement.form is Form.DETACHED
        document = body if detached else base64url(payload, "the payload is no Base64url text")
        return self._plain(document, header, signed, now)

    def _header(self, plain: Plain, now: datetime) -> dict[str, Any]:
        agreement = self.agreement
        if _OWN & plain.protected.keys():
            raise refusal.algorithm("a mapping may not set the seal's own headers")
        own = {"kid": agreement.own_kid, "typ": agreement.typ}
        header = {**agreement.deciding, **{name: value for name, value in own.items() if value}, **plain.protected}
        if agreement.time_header:
            header[agreement.time_header] = int(agreement.freshness.write(now))
        if agreement.once_header:
            header[agreement.once_header] = str(uuid.uuid4())
        return header

    def _token(self, body: bytes) -> bytes:
        if not self.agreement.field:
            return body.strip()
        token = json_object(body).get(self.agreement.field)
        if not isinstance(token, str):
            raise refusal.form("the body lacks the token")
        return token.encode()

    def _plain(self, document: bytes, header: Mapping[str, Any], signed: bytes, now: datetime) -> Plain:
        agreement = self.agreement
        if agreement.time_header:
            agreement.freshness.require(str(header.get(agreement.time_header, "")), now)
        once = str(header.get(agreement.once_header, "")) if agreement.once_header else ""
        if agreement.once_header and not once:
            raise refusal.form("the message carries no single-use id")
        readable = {name: value for name, value in header.items() if name not in _OWN}
        return Plain(document, readable, once or hashlib.sha256(signed).hexdigest())


def _texts(parts: Mapping[str, bytes]) -> dict[str, str]:
    return {name: part.decode() for name, part in parts.items()}


def _parts(token: bytes) -> tuple[bytes, bytes, bytes]:
    if not token:
        raise refusal.unsigned()
    parts = token.split(b".")
    if len(parts) != 3 or len(parts[0]) > MAX_HEADER:
        raise refusal.form("a compact JWS has three parts")
    return parts[0], parts[1], parts[2]


def _flattened(body: bytes) -> tuple[bytes, bytes, bytes]:
    message = json_object(body)
    if "signature" not in message:
        raise refusal.unsigned()
    if set(message) != {"protected", "payload", "signature"}:
        raise refusal.header("a flattened JWS holds protected, payload and signature, and no unprotected header")
    if not all(isinstance(value, str) and "." not in value for value in message.values()):
        raise refusal.form("the parts of a JWS must be texts")
    return message["protected"].encode(), message["payload"].encode(), message["signature"].encode()


def build_agreement(settings: Settings) -> Agreement:
    form = settings.choice("form", Form, Form.COMPACT)
    field = settings.optional("field")
    if field and form is not Form.COMPACT:
        raise settings.refuse("field", "belongs to the compact form")
    algorithm = settings.choice("alg", SignAlgorithm, SignAlgorithm.RS256)
    unencoded = {"b64": False, "crit": ["b64"]} if form is Form.DETACHED else {}
    window = timedelta(seconds=settings.number("window_s", 300))
    return Agreement(
        algorithm,
        form,
        field,
        settings.text("signature_header", "X-JWS-Signature"),
        settings.optional("own_kid"),
        settings.optional("peer_kid"),
        settings.optional("typ"),
        settings.optional("time_header"),
        settings.optional("once_header"),
        Freshness(TimeForm.SECONDS, window),
        {"alg": str(algorithm), **unencoded},
    )


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> JwsSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key``, ``peer_key`` (or ``secret`` and ``key_form`` for HS256); ``alg`` (RS256), ``form`` (compact | flattened |
    detached), ``field`` (none), ``signature_header`` (X-JWS-Signature), ``own_kid``, ``peer_kid``, ``typ`` (none),
    ``time_header`` (iat, for one), ``once_header`` (jti, for one), ``window_s`` (300), ``content_type``, ``answers``.
    """
    settings = Settings("jws", config, KNOWN)
    agreement = build_agreement(settings)
    signatures, names = sign_keys(settings, keys, agreement.algorithm)
    wrapped = agreement.form is Form.COMPACT and not agreement.field
    return JwsSeal(
        settings.profile,
        signatures,
        agreement,
        settings.text("content_type", "application/jose" if wrapped else "application/json"),
        settings.choice("answers", Answers, Answers.SEALED),
        names,
    )
