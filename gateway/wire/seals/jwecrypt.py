"""How a compact JWE's content is encrypted and its key carried, behind two calls.

Where one primitive carries the key (``dir``, RSA-OAEP), tokens are made straight from the crypto library: joserfc converts and
checks every part several times over, which costs more than the encryption. Key agreement and RSA1_5 are joserfc's.

Source: RFC 7516, sections 5.1, 5.2 and 11.5; RFC 7518, sections 4.3, 4.5 and 5.3.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.errors import JoseError

from gateway.kernel.strictjson import MAX_BYTES
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.encodings import to_base64url
from gateway.wire.seals.jose import MAX_HEADER, Token
from gateway.wire.seals.josekeys import JoseKey, agreement_keys
from gateway.wire.seals.keytext import secret_key
from gateway.wire.seals.members import json_bytes
from gateway.wire.seals.settings import Settings

_NONCE, _TAG = 12, 16


class KeyAlgorithm(StrEnum):
    RSA_OAEP_256 = "RSA-OAEP-256"
    RSA_OAEP = "RSA-OAEP"
    ECDH_ES_A256KW = "ECDH-ES+A256KW"
    DIRECT = "dir"
    RSA1_5 = "RSA1_5"
    """By a dated exception only (weak.py)."""


class ContentAlgorithm(StrEnum):
    A256GCM = "A256GCM"
    A128GCM = "A128GCM"

    @property
    def key_bytes(self) -> int:
        return 32 if self is ContentAlgorithm.A256GCM else 16


class Crypt(Protocol):
    """Both directions of one agreement."""

    def encrypt(self, header: Mapping[str, Any], document: bytes) -> bytes:
        """A compact token; ``header`` names ``alg`` and ``enc``."""
        ...

    def decrypt(self, token: Token) -> bytes:
        """Raises ``SealRefused`` (seal-decrypt), without telling why."""
        ...


class ContentKeys(Protocol):
    """How the receiver learns a token's content key."""

    def fresh(self) -> tuple[AESGCM, bytes]:
        """A key for one token and the bytes that carry it."""
        ...

    def of(self, carried: bytes) -> AESGCM:
        """Bytes that carry no key of ours give a random one, so that no sender learns what went wrong (section 11.5)."""
        ...


@dataclass(frozen=True, slots=True)
class SharedKey:
    """``dir``: both ends hold the key, nothing carries it."""

    key: AESGCM

    def fresh(self) -> tuple[AESGCM, bytes]:
        return self.key, b""

    def of(self, carried: bytes) -> AESGCM:
        if carried:
            raise refusal.decrypt()
        return self.key


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """RSA-OAEP: each token has its own key, encrypted to the receiver."""

    own: rsa.RSAPrivateKey
    peer: rsa.RSAPublicKey
    padding: padding.OAEP
    key_bytes: int

    def fresh(self) -> tuple[AESGCM, bytes]:
        key = os.urandom(self.key_bytes)
        return AESGCM(key), self.peer.encrypt(key, self.padding)

    def of(self, carried: bytes) -> AESGCM:
        try:
            key = self.own.decrypt(carried, self.padding)
        except ValueError:
            key = b""
        return AESGCM(key if len(key) == self.key_bytes else os.urandom(self.key_bytes))


@dataclass(frozen=True, slots=True)
class StraightCrypt:
    keys: ContentKeys

    def encrypt(self, header: Mapping[str, Any], document: bytes) -> bytes:
        head, nonce = to_base64url(json_bytes(header)), os.urandom(_NONCE)
        key, carried = self.keys.fresh()
        made = key.encrypt(nonce, document, head)
        parts = (carried, nonce, made[:-_TAG], made[-_TAG:])
        return b".".join((head, *map(to_base64url, parts)))

    def decrypt(self, token: Token) -> bytes:
        if len(token.vector) != _NONCE or len(token.tag) != _TAG:
            raise refusal.decrypt()
        try:
            return self.keys.of(token.carried).decrypt(token.vector, token.content + token.tag, token.head)
        except InvalidTag:
            raise refusal.decrypt() from None


class _Registry(jwe.JWERegistry):
    """The library's own bound (64 KB) is smaller than a long hospital stay."""

    max_protected_header_length = MAX_HEADER
    max_ciphertext_length = MAX_BYTES


@dataclass(frozen=True, slots=True)
class JoseCrypt:
    own: JoseKey
    peer: JoseKey
    registry: jwe.JWERegistry

    def encrypt(self, header: Mapping[str, Any], document: bytes) -> bytes:
        return jwe.encrypt_compact(dict(header), document, self.peer, registry=self.registry).encode()

    def decrypt(self, token: Token) -> bytes:
        try:
            opened = jwe.decrypt_compact(token.text, self.own, registry=self.registry).plaintext
        except (JoseError, InvalidTag, ValueError, TypeError, KeyError):
            raise refusal.decrypt() from None
        if opened is None:
            raise refusal.decrypt()
        return opened


_OAEP: Mapping[KeyAlgorithm, hashes.HashAlgorithm] = {
    KeyAlgorithm.RSA_OAEP_256: hashes.SHA256(),
    KeyAlgorithm.RSA_OAEP: hashes.SHA1(),  # noqa: S303 - OAEP's security does not rest on collisions (RFC 8017, 7.1)
}


def build_crypt(
    settings: Settings, keys: KeyRing, algorithm: KeyAlgorithm, content: ContentAlgorithm
) -> tuple[Crypt, tuple[str, ...]]:
    """The agreement and the names of its keys: ``own_key`` and ``peer_key``, or ``key`` (a secret) for ``dir``."""
    if algorithm is KeyAlgorithm.DIRECT:
        shared = secret_key(settings, keys, "key", (content.key_bytes,)).expose()
        return StraightCrypt(SharedKey(AESGCM(shared))), (settings.text("key"),)
    own, peer = settings.text("own_key"), settings.text("peer_key")
    if algorithm in _OAEP:
        hashed = _OAEP[algorithm]
        oaep = padding.OAEP(padding.MGF1(hashed), hashed, None)
        wrapped = WrappedKey(keys.rsa_private(own), keys.rsa_public(peer), oaep, content.key_bytes)
        return StraightCrypt(wrapped), (own, peer)
    ours, theirs = agreement_keys(keys, own, peer, elliptic=algorithm is KeyAlgorithm.ECDH_ES_A256KW)
    registry = _Registry(algorithms=[algorithm, content], strict_check_header=False)
    return JoseCrypt(ours, theirs, registry), (own, peer)
