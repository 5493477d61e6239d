"""``sm2-envelope``: ``{hospitalCode, timeStamp, sign, data}``, SM2 signed by the sender and encrypted to the receiver.

Source: docs/partners.md, huiyibao. ``data`` is lower-case hex of the SM2 ciphertext over the document with sorted keys;
``sign`` is hex of the signature over compact sorted JSON of the other three.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from gateway.kernel.errors import MessageRefused
from gateway.kernel.strictjson import strict_json
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.settings import Answers, Settings
from gateway.wire.sm2 import DEFAULT_USER_ID, Sm2PrivateKey, Sm2PublicKey
from gateway.wire.sm2_forms import (
    CipherForm,
    Leading,
    SignatureForm,
    cipher_from_wire,
    cipher_to_wire,
    raw_from_der,
    signature_from_wire,
    signature_to_wire,
)

CONTENT_TYPE = "application/json"
FUTURE_MS = 5_000
"""How far a peer's clock may run ahead of ours."""

_COMPACT_SORTED = msgspec.json.Encoder(order="sorted", decimal_format="number")


class Agreement(msgspec.Struct, frozen=True):
    """What both ends agreed on outside the message."""

    hospital_code: str
    user_id: bytes
    signature: SignatureForm
    cipher: CipherForm
    leading: Leading
    window_ms: int
    answers: Answers


class _Envelope(msgspec.Struct, frozen=True):
    hospital_code: str = msgspec.field(name="hospitalCode")
    time_stamp: int = msgspec.field(name="timeStamp")
    sign: str
    data: str


class Sm2EnvelopeSeal:
    profile = "sm2-envelope"

    def __init__(self, own: Sm2PrivateKey, peer: Sm2PublicKey, agreement: Agreement, key_ids: tuple[str, ...]) -> None:
        self._own = own
        self._peer = peer
        self._agreement = agreement
        self._key_ids = key_ids

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        if self._agreement.answers.apply_to(role):
            return Sealed(plain.document, CONTENT_TYPE)
        document = _COMPACT_SORTED.encode(_json(plain.document))
        data = cipher_to_wire(self._peer.encrypt(document), self._agreement.cipher, self._agreement.leading).hex()
        stamp = _milliseconds(now)
        signature = self._own.sign(self._signed_text(stamp, data), self._agreement.user_id)
        sign = signature_to_wire(signature, self._agreement.signature).hex()
        envelope = _Envelope(self._agreement.hospital_code, stamp, sign, data)
        return Sealed(msgspec.json.encode(envelope), CONTENT_TYPE, key_ids=self._key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        if self._agreement.answers.apply_to(role):
            return Plain(body)
        envelope = _envelope(body)
        if envelope.hospital_code != self._agreement.hospital_code:
            raise refusal.recipient()
        age = _milliseconds(now) - envelope.time_stamp
        if not -FUTURE_MS <= age <= self._agreement.window_ms:
            raise refusal.stale()
        once = self._verify(envelope)
        try:
            agreed = self._agreement
            der = cipher_from_wire(bytes.fromhex(envelope.data), agreed.cipher, agreed.leading)
        except ValueError:
            raise refusal.form("data is no SM2 ciphertext of the agreed form") from None
        return Plain(self._own.decrypt(der), once=once)

    def _verify(self, envelope: _Envelope) -> str:
        try:
            der = signature_from_wire(bytes.fromhex(envelope.sign), self._agreement.signature)
            once = raw_from_der(der).hex()
        except ValueError:
            raise refusal.signature("sign is no SM2 signature of the agreed form") from None
        if not self._peer.verify(der, self._signed_text(envelope.time_stamp, envelope.data), self._agreement.user_id):
            raise refusal.signature()
        return once

    def _signed_text(self, stamp: int, data: str) -> bytes:
        signed = {"data": data, "hospitalCode": self._agreement.hospital_code, "timeStamp": stamp}
        return _COMPACT_SORTED.encode(signed)


def _milliseconds(now: datetime) -> int:
    return int(now.timestamp()) * 1000 + now.microsecond // 1000


def _json(document: bytes) -> Any:
    try:
        return strict_json(document)
    except MessageRefused:
        raise refusal.form("the document to seal is no JSON") from None


def _envelope(body: bytes) -> _Envelope:
    try:
        envelope = msgspec.convert(strict_json(body), _Envelope)
    except (MessageRefused, msgspec.ValidationError):
        raise refusal.form("the body is no envelope with hospitalCode, timeStamp, sign and data") from None
    if not envelope.sign:
        raise refusal.unsigned()
    return envelope


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> Sm2EnvelopeSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``own_key``, ``peer_key``, ``hospital_code``; ``user_id`` (1234567812345678),
    ``signature`` (der | raw), ``cipher`` (c1c3c2 | c1c2c3 | asn1), ``leading_04`` (keep | drop), ``window_s`` (60),
    ``answers`` (sealed | plain).
    """
    known = {
        "own_key",
        "peer_key",
        "hospital_code",
        "user_id",
        "signature",
        "cipher",
        "window_s",
        "answers",
        "leading_04",
    }
    settings = Settings("sm2-envelope", config, frozenset(known))
    own, peer = settings.text("own_key"), settings.text("peer_key")
    agreement = Agreement(
        hospital_code=settings.text("hospital_code"),
        user_id=settings.text("user_id", DEFAULT_USER_ID.decode()).encode(),
        signature=settings.choice("signature", SignatureForm, SignatureForm.DER),
        cipher=settings.choice("cipher", CipherForm, CipherForm.C1C3C2),
        leading=settings.choice("leading_04", Leading, Leading.KEEP),
        window_ms=settings.number("window_s", 60) * 1000,
        answers=settings.choice("answers", Answers, Answers.SEALED),
    )
    return Sm2EnvelopeSeal(keys.sm2_private(own), keys.sm2_public(peer), agreement, (own, peer))
