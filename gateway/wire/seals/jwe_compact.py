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

from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.jose import Token
from gateway.wire.seals.jwecrypt import ContentAlgorithm, Crypt, KeyAlgorithm, build_crypt
from gateway.wire.seals.members import json_object
from gateway.wire.seals.settings import Answers, Settings

CONTENT_TYPE = "application/json"
_OWN_HEADERS = frozenset({"alg", "enc", "zip", "crit"})


class Wrapping(StrEnum):
    """RSA1_5 and every symmetric or direct algorithm are left out on purpose."""

    RSA_OAEP_256 = "RSA-OAEP-256"
    RSA_OAEP = "RSA-OAEP"


class JweCompactSeal:
    profile = "jwe-compact"

    def __init__(
        self,
        crypt: Crypt,
        agreed: Mapping[str, str],
        answers: Answers,
        protocol_prefix: str,
        once_headers: tuple[str, ...],
        key_ids: tuple[str, ...],
    ) -> None:
        self._crypt = crypt
        self._agreed = agreed
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
        token = self._crypt.encrypt({**self._agreed, **plain.protected}, plain.document)
        return Sealed(msgspec.json.encode({"payload": token.decode()}), CONTENT_TYPE, key_ids=self._key_ids)

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
        opened = Token.read(token.encode(), self._agreed)
        readable = {name: value for name, value in opened.header.items() if name not in _OWN_HEADERS}
        return Plain(self._crypt.decrypt(opened), readable, self._once(readable) or opened.once)

    def _protocol_answer(self, body: bytes, message: Mapping[str, Any]) -> Plain:
        headers = {name: value for name, value in message.items() if name.startswith(self._protocol_prefix)}
        if not headers:
            raise refusal.form("the body holds neither a payload nor protocol headers")
        return Plain(body, headers, self._once(headers) or hashlib.sha256(body).hexdigest())

    def _once(self, headers: Mapping[str, Any]) -> str:
        values = [str(headers.get(name, "")) for name in self._once_headers]
        return "+".join(values) if all(values) else ""


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> JweCompactSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key``, ``peer_key``; ``alg`` (RSA-OAEP-256 | RSA-OAEP), ``answers`` (sealed | plain),
    ``protocol_prefix`` (x-hcx-), ``once_headers`` (x-hcx-sender_code, x-hcx-api_call_id).
    """
    known = {"own_key", "peer_key", "alg", "answers", "protocol_prefix", "once_headers"}
    settings = Settings("jwe-compact", config, frozenset(known))
    wrapping = settings.choice("alg", Wrapping, Wrapping.RSA_OAEP_256)
    content = ContentAlgorithm.A256GCM
    crypt, names = build_crypt(settings, keys, KeyAlgorithm(wrapping), content)
    return JweCompactSeal(
        crypt,
        {"alg": str(wrapping), "enc": str(content)},
        settings.choice("answers", Answers, Answers.SEALED),
        settings.text("protocol_prefix", "x-hcx-"),
        settings.names("once_headers", ("x-hcx-sender_code", "x-hcx-api_call_id")),
        names,
    )
