"""``jwe-compact``: ``{"payload": <compact JWE>}``, encrypted to the receiver's RSA key with AES-256-GCM.

Source: docs/partners.md, hcx. JWE proves that nothing was changed, not who sent it: the sender is known by the token
that the transport carries.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from gateway.wire.jwk import rsa_jwk
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.jose import CryptRegistry, header_of, single_use_mark
from gateway.wire.seals.members import json_object
from gateway.wire.seals.settings import Answers, Settings

CONTENT_TYPE = "application/json"
CONTENT_ALGORITHM = "A256GCM"
_OWN_HEADERS = frozenset({"alg", "enc", "zip", "crit"})


class KeyAlgorithm(StrEnum):
    """RSA1_5 and every symmetric or direct algorithm are left out on purpose."""

    RSA_OAEP_256 = "RSA-OAEP-256"
    RSA_OAEP = "RSA-OAEP"


class JweCompactSeal:
    profile = "jwe-compact"

    def __init__(
        self,
        own: RSAKey,
        peer: RSAKey,
        algorithm: KeyAlgorithm,
        answers: Answers,
        protocol_prefix: str,
        once_headers: tuple[str, ...],
        key_ids: tuple[str, ...],
    ) -> None:
        self._own = own
        self._peer = peer
        self._algorithm = algorithm
        self._registry = CryptRegistry(algorithms=[algorithm, CONTENT_ALGORITHM], strict_check_header=False)
        self._answers = answers
        self._protocol_prefix = protocol_prefix
        self._once_headers = once_headers
        self._key_ids = key_ids

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:  # noqa: ARG002 - the profile's time is a header
        """``plain.protected`` becomes the readable headers; it must not name ``alg``, ``enc``, ``zip`` or ``crit``."""
        if self._answers.apply_to(role):
            return Sealed(plain.document, CONTENT_TYPE)
        if _OWN_HEADERS & plain.protected.keys():
            raise refusal.algorithm("a mapping may not set the seal's own headers")
        header = {"alg": str(self._algorithm), "enc": CONTENT_ALGORITHM, **plain.protected}
        token = jwe.encrypt_compact(header, plain.document, self._peer, registry=self._registry)
        return Sealed(msgspec.json.encode({"payload": token}), CONTENT_TYPE, key_ids=self._key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:  # noqa: ARG002 - the profile's time is a header
        """A sealed document, or a protocol answer: a JSON object of protocol headers without ``payload``."""
        if self._answers.apply_to(role):
            return Plain(body)
        message = json_object(body)
        if "payload" not in message:
            return self._protocol_answer(body, message)
        token = message["payload"]
        if not isinstance(token, str):
            raise refusal.form("payload must be a compact JWE")
        document, header = self._decrypt(token)
        readable = {name: value for name, value in header.items() if name not in _OWN_HEADERS}
        return Plain(document, readable, self._once(readable) or single_use_mark(token.encode().split(b".")))

    def _decrypt(self, token: str) -> tuple[bytes, Mapping[str, Any]]:
        header = _header(token)
        if header.get("alg") != self._algorithm or header.get("enc") != CONTENT_ALGORITHM or "zip" in header:
            raise refusal.algorithm()
        try:
            opened = jwe.decrypt_compact(token, self._own, registry=self._registry)
        except (JoseError, InvalidTag, ValueError, TypeError, KeyError):
            raise refusal.decrypt() from None
        if opened.plaintext is None:
            raise refusal.decrypt()
        return opened.plaintext, header

    def _protocol_answer(self, body: bytes, message: Mapping[str, Any]) -> Plain:
        headers = {name: value for name, value in message.items() if name.startswith(self._protocol_prefix)}
        if not headers:
            raise refusal.form("the body holds neither a payload nor protocol headers")
        return Plain(body, headers, self._once(headers) or hashlib.sha256(body).hexdigest())

    def _once(self, headers: Mapping[str, Any]) -> str:
        values = [str(headers.get(name, "")) for name in self._once_headers]
        return "+".join(values) if all(values) else ""


def _header(token: str) -> dict[str, Any]:
    if token.count(".") != 4:
        raise refusal.form("a compact JWE has five parts")
    return header_of(token.partition(".")[0].encode())


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> JweCompactSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key``, ``peer_key``; ``alg`` (RSA-OAEP-256 | RSA-OAEP), ``answers`` (sealed | plain),
    ``protocol_prefix`` (x-hcx-), ``once_headers`` (x-hcx-sender_code, x-hcx-api_call_id).
    """
    known = {"own_key", "peer_key", "alg", "answers", "protocol_prefix", "once_headers"}
    settings = Settings("jwe-compact", config, frozenset(known))
    own, peer = settings.text("own_key"), settings.text("peer_key")
    return JweCompactSeal(
        rsa_jwk(keys.rsa_private(own)),
        rsa_jwk(keys.rsa_public(peer)),
        settings.choice("alg", KeyAlgorithm, KeyAlgorithm.RSA_OAEP_256),
        settings.choice("answers", Answers, Answers.SEALED),
        settings.text("protocol_prefix", "x-hcx-"),
        settings.names("once_headers", ("x-hcx-sender_code", "x-hcx-api_call_id")),
        (own, peer),
    )
