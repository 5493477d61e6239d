"""Content encryption that a text or JSON profile may agree on, each behind the same two calls.

Only AES-GCM, SM4-GCM, SM2 and RSA-OAEP tell a change of the text; the others load by a dated exception (weak.py). Where a
ciphertext does not open, there is one refusal for every reason, so that no answer tells a guesser about the padding.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.keytext import secret_key
from gateway.wire.seals.settings import Settings
from gateway.wire.sm2 import Sm2PrivateKey, Sm2PublicKey
from gateway.wire.sm2_forms import CipherForm, Leading, cipher_from_wire, cipher_to_wire

SETTINGS = frozenset({"cipher", "key", "key_form", "iv_key", "own_key", "peer_key", "cipher_form", "leading_04"})
_NONCE, _TAG = 12, 16


class Content(Protocol):
    """Both directions of one agreement."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, data: bytes) -> bytes:
        """Raises ``SealRefused`` (seal-decrypt)."""
        ...


@dataclass(frozen=True, slots=True)
class AesGcm:
    """12 random bytes, then ciphertext and tag, as Java's and most libraries' output stands behind its nonce."""

    key: Secret[bytes]

    def encrypt(self, data: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.key.expose()).encrypt(nonce, data, None)

    def decrypt(self, data: bytes) -> bytes:
        try:
            return AESGCM(self.key.expose()).decrypt(data[:_NONCE], data[_NONCE:], None)
        except (InvalidTag, ValueError):
            raise refusal.decrypt() from None


@dataclass(frozen=True, slots=True)
class Sm4Gcm:
    """The same layout with SM4 (GM/T 0002)."""

    key: Secret[bytes]

    def encrypt(self, data: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        made = Cipher(SM4(self.key.expose()), modes.GCM(nonce)).encryptor()
        return nonce + made.update(data) + made.finalize() + made.tag

    def decrypt(self, data: bytes) -> bytes:
        if len(data) < _NONCE + _TAG:
            raise refusal.decrypt()
        opened = Cipher(SM4(self.key.expose()), modes.GCM(data[:_NONCE], data[-_TAG:])).decryptor()
        try:
            return opened.update(data[_NONCE:-_TAG]) + opened.finalize()
        except InvalidTag:
            raise refusal.decrypt() from None


@dataclass(frozen=True, slots=True)
class Blocks:
    """ECB or CBC with PKCS#7 padding. A CBC vector is random and stands in front, or is the agreed one."""

    key: Secret[bytes]
    algorithm: Callable[[bytes], Any]
    chained: bool
    fixed_iv: Secret[bytes] | None

    def encrypt(self, data: bytes) -> bytes:
        iv = os.urandom(self._block) if self._iv_in_front else b""
        padder, encryptor = PKCS7(8 * self._block).padder(), self._cipher(iv).encryptor()
        return iv + encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()

    def decrypt(self, data: bytes) -> bytes:
        iv, text = (data[: self._block], data[self._block :]) if self._iv_in_front else (b"", data)
        try:
            decryptor, unpadder = self._cipher(iv).decryptor(), PKCS7(8 * self._block).unpadder()
            return unpadder.update(decryptor.update(text) + decryptor.finalize()) + unpadder.finalize()
        except ValueError:
            raise refusal.decrypt() from None

    @property
    def _block(self) -> int:
        """Bytes of a block."""
        return 8 if self.algorithm is TripleDES else 16

    @property
    def _iv_in_front(self) -> bool:
        return self.chained and self.fixed_iv is None

    def _cipher(self, iv: bytes) -> Cipher[Any]:
        algorithm: CipherAlgorithm = self.algorithm(self.key.expose())
        if not self.chained:
            return Cipher(algorithm, modes.ECB())  # noqa: S305 - loads by a dated exception only
        return Cipher(algorithm, modes.CBC(self.fixed_iv.expose() if self.fixed_iv is not None else iv))


@dataclass(frozen=True, slots=True)
class RsaBlocks:
    """RSA over the text cut into blocks: the blocks stand side by side and prove no order, so a signature must cover them."""

    own: rsa.RSAPrivateKey
    peer: rsa.RSAPublicKey
    padding: padding.AsymmetricPadding
    overhead: int

    def encrypt(self, data: bytes) -> bytes:
        room = self.peer.key_size // 8 - self.overhead
        return b"".join(
            self.peer.encrypt(data[at : at + room], self.padding) for at in range(0, max(len(data), 1), room)
        )

    def decrypt(self, data: bytes) -> bytes:
        size = self.own.key_size // 8
        if not data or len(data) % size:
            raise refusal.decrypt()
        try:
            return b"".join(self.own.decrypt(data[at : at + size], self.padding) for at in range(0, len(data), size))
        except ValueError:
            raise refusal.decrypt() from None


@dataclass(frozen=True, slots=True)
class Sm2Content:
    """SM2 encryption to the peer (GB/T 32918.4) in the agreed form."""

    own: Sm2PrivateKey
    peer: Sm2PublicKey
    form: CipherForm
    leading: Leading

    def encrypt(self, data: bytes) -> bytes:
        return cipher_to_wire(self.peer.encrypt(data), self.form, self.leading)

    def decrypt(self, data: bytes) -> bytes:
        try:
            der = cipher_from_wire(data, self.form, self.leading)
        except ValueError:
            raise refusal.decrypt() from None
        return self.own.decrypt(der)


def _gcm(kind: Callable[[Secret[bytes]], Content], *lengths: int) -> "Builder":
    return lambda settings, keys: kind(secret_key(settings, keys, "key", lengths))


def _blocks(algorithm: Callable[[bytes], Any], chained: bool, *lengths: int) -> "Builder":
    def build(settings: Settings, keys: KeyRing) -> Content:
        key = secret_key(settings, keys, "key", lengths)
        block = 8 if algorithm is TripleDES else 16
        fixed = chained and settings.optional("iv_key")
        iv = secret_key(settings, keys, "iv_key", (block,)) if fixed else None
        return Blocks(key, algorithm, chained, iv)

    return build


def _rsa_blocks(scheme: padding.AsymmetricPadding, overhead: int) -> "Builder":
    def build(settings: Settings, keys: KeyRing) -> Content:
        own, peer = settings.text("own_key"), settings.text("peer_key")
        return RsaBlocks(keys.rsa_private(own), keys.rsa_public(peer), scheme, overhead)

    return build


def _sm2(settings: Settings, keys: KeyRing) -> Content:
    own, peer = settings.text("own_key"), settings.text("peer_key")
    return Sm2Content(
        keys.sm2_private(own),
        keys.sm2_public(peer),
        settings.choice("cipher_form", CipherForm, CipherForm.C1C3C2),
        settings.choice("leading_04", Leading, Leading.KEEP),
    )


Builder = Callable[[Settings, KeyRing], Content]

CIPHERS: Mapping[str, Builder] = {
    "aes-gcm": _gcm(AesGcm, 16, 24, 32),
    "sm4-gcm": _gcm(Sm4Gcm, 16),
    "sm2": _sm2,
    "rsa-oaep-sha256": _rsa_blocks(padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None), 66),
    # From here on: weak, by a dated exception only (weak.py).
    "aes-cbc": _blocks(AES, True, 16, 24, 32),
    "aes-ecb": _blocks(AES, False, 16, 24, 32),
    "sm4-cbc": _blocks(SM4, True, 16),
    "sm4-ecb": _blocks(SM4, False, 16),
    "3des-cbc": _blocks(TripleDES, True, 24),
    "3des-ecb": _blocks(TripleDES, False, 24),
    "rsa1_5": _rsa_blocks(padding.PKCS1v15(), 11),
}
IN_BLOCKS = frozenset({"rsa-oaep-sha256", "rsa1_5"})
"""They need a signature over the whole ciphertext."""


def build_cipher(settings: Settings, keys: KeyRing) -> Content:
    """From ``cipher`` and its key: ``key`` (a secret, read as ``key_form``), or ``own_key`` and ``peer_key`` for RSA and SM2.

    ``iv_key`` names the secret that is the fixed vector of a CBC peer; without it the vector stands in front of the
    ciphertext. ``cipher_form`` (c1c3c2 | c1c2c3 | asn1) and ``leading_04`` (keep | drop) belong to SM2.
    """
    name = settings.text("cipher")
    if name not in CIPHERS:
        raise settings.refuse("cipher", f"must be one of {', '.join(CIPHERS)}")
    return CIPHERS[name](settings, keys)
