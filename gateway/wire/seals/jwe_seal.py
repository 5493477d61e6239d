"""``jwe``: a compact JSON Web Encryption (RFC 7516) around the document, or around a JWS of it (``nested``).

JWE alone proves that nothing was changed, not who sent it (except ``dir``, whose key only the two ends hold).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.wire.keys import KeyRing
from gateway.wire.seals import jws_seal, refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.jose import Token
from gateway.wire.seals.jwecrypt import ContentAlgorithm, Crypt, KeyAlgorithm, build_crypt
from gateway.wire.seals.members import json_bytes, json_object
from gateway.wire.seals.settings import Answers, Settings

KNOWN = frozenset(
    {
        "own_key",
        "peer_key",
        "key",
        "key_form",
        "alg",
        "enc",
        "field",
        "own_kid",
        "peer_kid",
        "nested",
        "content_type",
        "answers",
    }
)
_OWN = frozenset({"alg", "enc", "zip", "crit", "kid", "cty", "epk", "apu", "apv"})
_NESTED_TYPE = "JWS"


@dataclass(frozen=True, slots=True)
class Agreement:
    """``field`` is the JSON member that carries the token; empty: the token is the body."""

    algorithm: KeyAlgorithm
    content: ContentAlgorithm
    field: str
    own_kid: str
    peer_kid: str
    deciding: Mapping[str, Any]
    """The header members that decide how a message is read, each with its one value."""


@dataclass(frozen=True, slots=True)
class JweSeal:
    profile: str
    crypt: Crypt
    agreement: Agreement
    inner: jws_seal.JwsSeal | None
    content_type: str
    answers: Answers
    key_ids: tuple[str, ...]

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        """``plain.protected`` becomes readable headers, of the inner JWS where there is one."""
        agreement = self.agreement
        if self.answers.apply_to(role):
            return Sealed(plain.document, self.content_type)
        if _OWN & plain.protected.keys():
            raise refusal.algorithm("a mapping may not set the seal's own headers")
        kid = {"kid": agreement.peer_kid} if agreement.peer_kid else {}
        if self.inner is not None:
            header, inside = {**agreement.deciding, **kid}, self.inner.seal(plain, role, now).body
        else:
            header, inside = {**agreement.deciding, **kid, **plain.protected}, plain.document
        token = self.crypt.encrypt(header, inside)
        body = json_bytes({agreement.field: token.decode()}) if agreement.field else token
        return Sealed(body, self.content_type, key_ids=self.key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        if self.answers.apply_to(role):
            return Plain(body)
        token = Token.read(self._token(body), self.agreement.deciding, self.agreement.own_kid)
        document = self.crypt.decrypt(token)
        if self.inner is not None:
            return self.inner.open(document, role, now)
        readable = {name: value for name, value in token.header.items() if name not in _OWN}
        return Plain(document, readable, token.once)

    def _token(self, body: bytes) -> bytes:
        if not self.agreement.field:
            return body.strip()
        token = json_object(body).get(self.agreement.field)
        if not isinstance(token, str):
            raise refusal.form("the body lacks the token")
        return token.encode()


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> JweSeal:
    """Settings: ``own_key``, ``peer_key`` (or ``key`` and ``key_form`` for ``dir``); ``alg`` (RSA-OAEP-256), ``enc``
    (A256GCM), ``field`` (none), ``own_kid``, ``peer_kid`` (none), ``nested`` (settings of an inner ``jws``),
    ``content_type``, ``answers``.
    """
    settings = Settings("jwe", config, KNOWN)
    nested = settings.section("nested")
    algorithm = settings.choice("alg", KeyAlgorithm, KeyAlgorithm.RSA_OAEP_256)
    content = settings.choice("enc", ContentAlgorithm, ContentAlgorithm.A256GCM)
    agreement = Agreement(
        algorithm,
        content,
        settings.optional("field"),
        settings.optional("own_kid"),
        settings.optional("peer_kid"),
        {"alg": str(algorithm), "enc": str(content)} | ({} if nested is None else {"cty": _NESTED_TYPE}),
    )
    crypt, names = build_crypt(settings, keys, agreement.algorithm, agreement.content)
    inner = None if nested is None else jws_seal.build(nested, keys, today)
    if inner is not None and (inner.agreement.form is not jws_seal.Form.COMPACT or inner.agreement.field):
        raise settings.refuse("nested", "must be a compact JWS without a field")
    return JweSeal(
        settings.profile,
        crypt,
        agreement,
        inner,
        settings.text("content_type", "application/json" if agreement.field else "application/jose"),
        settings.choice("answers", Answers, Answers.SEALED),
        names if inner is None else (*names, *inner.key_ids),
    )
