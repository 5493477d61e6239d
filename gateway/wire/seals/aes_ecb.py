"""``aes-ecb-body``: Base64 of AES-ECB with PKCS#5 padding over the whole document, as the package protocol asks.

Weak: equal blocks stay visible and nothing proves who wrote the message. It loads only with a dated exception (weak.py).
"""

import binascii
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pybase64
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.settings import Settings

KEY_LENGTHS = (16, 24, 32)
_PADDING = PKCS7(AES.block_size)


class AesEcbSeal:
    profile = "aes-ecb-body"

    def __init__(self, key_id: str, key: Secret[bytes]) -> None:
        self._key_id = key_id
        self._key = key

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:  # noqa: ARG002 - both roles alike
        padder, encryptor = _PADDING.padder(), self._cipher().encryptor()
        padded = padder.update(plain.document) + padder.finalize()
        body = pybase64.b64encode(encryptor.update(padded) + encryptor.finalize())
        return Sealed(body, "application/json;charset=utf-8", key_ids=(self._key_id,))

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:  # noqa: ARG002 - both roles alike
        try:
            data = pybase64.b64decode(body.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise refusal.form("the body is no Base64 text") from None
        decryptor, unpadder = self._cipher().decryptor(), _PADDING.unpadder()
        try:
            padded = decryptor.update(data) + decryptor.finalize()
            return Plain(unpadder.update(padded) + unpadder.finalize())
        except ValueError:
            raise refusal.decrypt() from None

    def _cipher(self) -> Cipher[modes.ECB]:
        return Cipher(AES(self._key.expose()), modes.ECB())  # noqa: S305 - the partner's protocol, held by weak.py


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> AesEcbSeal:  # noqa: ARG001 - builders' shape
    """Settings: ``key`` (a secret of 16, 24 or 32 bytes), ``exception`` (``until``, ``reason``)."""
    settings = Settings("aes-ecb-body", config, frozenset({"key"}))
    name = settings.text("key")
    key = keys.secret(name).expose().encode()
    if len(key) not in KEY_LENGTHS:
        raise settings.refuse("key", "must name a secret of 16, 24 or 32 bytes")
    return AesEcbSeal(name, Secret(key))
