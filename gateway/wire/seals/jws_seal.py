"""``jws``: a JSON Web Signature (RFC 7515) around or beside the document, made and verified by joserfc.

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

from joserfc import jws
from joserfc.errors import JoseError

from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.freshness import Freshness, TimeForm
from gateway.wire.seals.jose import MAX_HEADER, SignRegistry, base64url, header_of, require_agreed
from gateway.wire.seals.josekeys import JoseKey, SignAlgorithm, sign_keys
from gateway.wire.seals.members import json_bytes, json_object
from gateway.wire.seals.settings import Answers, Settings

KNOWN = frozenset(
    {
        "own_key",
        "peer_key",
        "secret",
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

    @property
    def deciding(self) -> dict[str, Any]:
        """The header members that decide how a message is read."""
        fixed: dict[str, Any] = {"alg": str(self.algorithm)}
        return {**fixed, "b64": False, "crit": ["b64"]} if self.form is Form.DETACHED else fixed


@dataclass(frozen=True, slots=True)
class JwsSeal:
    profile: str
    own: JoseKey
    peer: JoseKey
    agreement: Agreement
    registry: SignRegistry
    content_type: str
    answers: Answers
    key_ids: tuple[str, ...]

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        """``plain.protected`` becomes readable headers; it must not name one of the seal's own."""
        agreement = self.agreement
        if self.answers.apply_to(role):
            return Sealed(plain.document, self.content_type)
        header = self._header(plain, now)
        if agreement.form is Form.FLATTENED:
            made = jws.serialize_json({"protected": header}, plain.document, self.own, registry=self.registry)
            return Sealed(json_bytes(made), self.content_type, key_ids=self.key_ids)
        token = jws.serialize_compact(header, plain.document, self.own, registry=self.registry)
        if agreement.form is Form.DETACHED:
            headers = {agreement.signature_header: _detached(token)}
            return Sealed(plain.document, self.content_type, headers, self.key_ids)
        body = json_bytes({agreement.field: token}) if agreement.field else token.encode()
        return Sealed(body, self.content_type, key_ids=self.key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        return self.open_with(body, {}, role, now)

    def open_with(self, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:
        agreement = self.agreement
        if self.answers.apply_to(role):
            return Plain(body)
        if agreement.form is Form.DETACHED:
            head, payload, signature = _parts(headers.get(agreement.signature_header.lower(), ""))
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
        base64url(signature, "the signature is no Base64url text")
        document = self._verified(f"{head}.{payload}.{signature}", body)
        return self._plain(document, header, f"{head}.{payload}", now)

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

    def _token(self, body: bytes) -> str:
        token = json_object(body).get(self.agreement.field) if self.agreement.field else body.decode("ascii", "replace")
        if not isinstance(token, str):
            raise refusal.form("the body lacks the token")
        return token.strip()

    def _verified(self, token: str, body: bytes) -> bytes:
        detached = body if self.agreement.form is Form.DETACHED else None
        try:
            return jws.deserialize_compact(token, self.peer, registry=self.registry, payload=detached).payload
        except (JoseError, ValueError, TypeError, KeyError):
            raise refusal.signature() from None

    def _plain(self, document: bytes, header: Mapping[str, Any], signed: str, now: datetime) -> Plain:
        agreement = self.agreement
        if agreement.time_header:
            agreement.freshness.require(str(header.get(agreement.time_header, "")), now)
        once = str(header.get(agreement.once_header, "")) if agreement.once_header else ""
        if agreement.once_header and not once:
            raise refusal.form("the message carries no single-use id")
        readable = {name: value for name, value in header.items() if name not in _OWN}
        if not once:
            covered = signed.encode() + document if agreement.form is Form.DETACHED else signed.encode()
            once = hashlib.sha256(covered).hexdigest()
        return Plain(document, readable, once)


def _detached(token: str) -> str:
    """Without its payload, which the library leaves in where it needs no encoding."""
    return f"{token.partition('.')[0]}..{token.rpartition('.')[2]}"


def _parts(token: str) -> tuple[str, str, str]:
    if not token:
        raise refusal.unsigned()
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii() or len(parts[0]) > MAX_HEADER:
        raise refusal.form("a compact JWS has three parts")
    return parts[0], parts[1], parts[2]


def _flattened(body: bytes) -> tuple[str, str, str]:
    message = json_object(body)
    if "signature" not in message:
        raise refusal.unsigned()
    if set(message) != {"protected", "payload", "signature"}:
        raise refusal.header("a flattened JWS holds protected, payload and signature, and no unprotected header")
    if not all(isinstance(value, str) and "." not in value for value in message.values()):
        raise refusal.form("the parts of a JWS must be texts")
    return message["protected"], message["payload"], message["signature"]


def build_agreement(settings: Settings) -> Agreement:
    form = settings.choice("form", Form, Form.COMPACT)
    field = settings.optional("field")
    if field and form is not Form.COMPACT:
        raise settings.refuse("field", "belongs to the compact form")
    window = timedelta(seconds=settings.number("window_s", 300))
    return Agreement(
        settings.choice("alg", SignAlgorithm, SignAlgorithm.RS256),
        form,
        field,
        settings.text("signature_header", "X-JWS-Signature"),
        settings.optional("own_kid"),
        settings.optional("peer_kid"),
        settings.optional("typ"),
        settings.optional("time_header"),
        settings.optional("once_header"),
        Freshness(TimeForm.SECONDS, window),
    )


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> JwsSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key``, ``peer_key`` (or ``secret`` for HS256); ``alg`` (RS256), ``form`` (compact | flattened |
    detached), ``field`` (none), ``signature_header`` (X-JWS-Signature), ``own_kid``, ``peer_kid``, ``typ`` (none),
    ``time_header`` (iat, for one), ``once_header`` (jti, for one), ``window_s`` (300), ``content_type``, ``answers``.
    """
    settings = Settings("jws", config, KNOWN)
    agreement = build_agreement(settings)
    own, peer, names = sign_keys(settings, keys, agreement.algorithm)
    wrapped = agreement.form is Form.COMPACT and not agreement.field
    return JwsSeal(
        settings.profile,
        own,
        peer,
        agreement,
        SignRegistry(algorithms=[agreement.algorithm], strict_check_header=False),
        settings.text("content_type", "application/jose" if wrapped else "application/json"),
        settings.choice("answers", Answers, Answers.SEALED),
        names,
    )
