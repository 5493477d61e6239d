"""The profiles that belong to one partner's protocol as benchmark cases, each with the same work written by hand."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.padding import PKCS7

from benchmarks.seal_case import Case, document
from benchmarks.seals_text import KEY, RSA, SM2, WEAK, jwe_by_hand
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal

NOW = datetime.now(UTC)
_SORTED = msgspec.json.Encoder(order="sorted", decimal_format="number")
ELEMENTS = {"root": "document", "request_element": "request", "answer_element": "response"}
PROFILES: dict[str, dict[str, Any]] = {
    "aes-ecb-body": {"key": "key", **WEAK},
    "detached-text": {**RSA, **ELEMENTS, "signature_element": "signature"},
    "jwe-compact": RSA,
    "sm2-envelope": {**SM2, "hospital_code": "TEST0001"},
}


def partner_cases(keys: KeyRing, sizes: Sequence[int]) -> list[Case]:
    made = {"aes-ecb-body": _aes, "detached-text": _detached, "jwe-compact": jwe_by_hand, "sm2-envelope": _envelope}
    return [_case(keys, name, size, made[name]) for size in sizes for name in PROFILES]


def _case(keys: KeyRing, name: str, size: int, by_hand: Callable[[KeyRing, bytes], Callable[[], object]]) -> Case:
    data = document(size)
    sent = b"<document><request>%s</request></document>" % data if name == "detached-text" else data
    seal = build_seal({"profile": name, **PROFILES[name]}, keys)

    def work() -> object:
        return seal.open(seal.seal(Plain(sent), Role.REQUEST, NOW).body, Role.REQUEST, NOW)

    return Case(name, size, work, by_hand(keys, data))


def _aes(_: KeyRing, data: bytes) -> Callable[[], None]:
    def work() -> None:
        padder, made = PKCS7(128).padder(), Cipher(AES(KEY), modes.ECB()).encryptor()
        text = base64.b64encode(made.update(padder.update(data) + padder.finalize()) + made.finalize())
        opened, unpadder = Cipher(AES(KEY), modes.ECB()).decryptor(), PKCS7(128).unpadder()
        unpadder.update(opened.update(base64.b64decode(text)) + opened.finalize()) + unpadder.finalize()

    return work


def _detached(keys: KeyRing, data: bytes) -> Callable[[], None]:
    """The canonical text is the element's Base64, made once on each side."""
    own, peer = keys.rsa_private("rsa"), keys.rsa_public("rsa")

    def work() -> None:
        signature = own.sign(base64.b64encode(data), padding.PKCS1v15(), SHA256())
        peer.verify(signature, base64.b64encode(data), padding.PKCS1v15(), SHA256())

    return work


def _envelope(keys: KeyRing, data: bytes) -> Callable[[], None]:
    """The document sorted once, then what is signed: the envelope's three members around the ciphertext's hex."""
    own, peer = keys.sm2_private("sm2"), keys.sm2_public("sm2")
    decode = msgspec.json.Decoder(float_hook=Decimal).decode

    def work() -> None:
        sealed = peer.encrypt(_SORTED.encode(decode(data))).hex()
        signed = _SORTED.encode({"data": sealed, "hospitalCode": "TEST0001", "timeStamp": 1767225600000})
        signature = own.sign(signed)
        told = json.loads(signed)
        assert peer.verify(signature, _SORTED.encode(told))
        own.decrypt(bytes.fromhex(told["data"]))

    return work
