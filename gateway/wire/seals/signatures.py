"""The signature algorithms that a text or JSON profile may agree on, each behind the same two calls.

The algorithm and its key come from the manifest and the key ring together; nothing in a message can choose either. A key
of another kind than the algorithm's does not load, so a public key can never serve as an HMAC secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.constant_time import bytes_eq

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.seals.keytext import secret_key
from gateway.wire.seals.settings import Settings
from gateway.wire.sm2 import DEFAULT_USER_ID, Sm2PrivateKey, Sm2PublicKey
from gateway.wire.sm2_forms import SignatureForm, der_from_raw, raw_from_der, signature_from_wire, signature_to_wire

SETTINGS = frozenset({"algorithm", "own_key", "peer_key", "secret", "key_form", "signature_form", "user_id"})


_ECDSA = ec.ECDSA(hashes.SHA256())


class Signatures(Protocol):
    """Both directions of one agreement: we sign with ours, the peer's is verified with theirs."""

    def sign(self, text: bytes) -> bytes: ...

    def verify(self, signature: bytes, text: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Rsa:
    own: rsa.RSAPrivateKey
    peer: rsa.RSAPublicKey
    padding: padding.AsymmetricPadding
    hash: hashes.HashAlgorithm

    def sign(self, text: bytes) -> bytes:
        return self.own.sign(text, self.padding, self.hash)

    def verify(self, signature: bytes, text: bytes) -> bool:
        try:
            self.peer.verify(signature, text, self.padding, self.hash)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ecdsa:
    """P-256 with SHA-256; ``raw`` = r ‖ s, 64 bytes."""

    own: ec.EllipticCurvePrivateKey
    peer: ec.EllipticCurvePublicKey
    form: SignatureForm

    def sign(self, text: bytes) -> bytes:
        return signature_to_wire(self.own.sign(text, _ECDSA), self.form)

    def verify(self, signature: bytes, text: bytes) -> bool:
        try:
            der = der_from_raw(signature) if self.form is SignatureForm.RAW else signature
            self.peer.verify(der, text, _ECDSA)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ed25519:
    own: ed25519.Ed25519PrivateKey
    peer: ed25519.Ed25519PublicKey

    def sign(self, text: bytes) -> bytes:
        return self.own.sign(text)

    def verify(self, signature: bytes, text: bytes) -> bool:
        try:
            self.peer.verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Sm2:
    """SM2 with SM3 (GB/T 32918.2) under the agreed user id."""

    own: Sm2PrivateKey
    peer: Sm2PublicKey
    user_id: bytes
    form: SignatureForm

    def sign(self, text: bytes) -> bytes:
        return signature_to_wire(self.own.sign(text, self.user_id), self.form)

    def verify(self, signature: bytes, text: bytes) -> bool:
        try:
            der = signature_from_wire(signature, self.form)
            raw_from_der(der)
        except ValueError:
            return False
        return self.peer.verify(der, text, self.user_id)


@dataclass(frozen=True, slots=True)
class Hmac:
    secret: Secret[bytes]
    hash: hashes.HashAlgorithm

    def sign(self, text: bytes) -> bytes:
        made = hmac.HMAC(self.secret.expose(), self.hash)
        made.update(text)
        return made.finalize()

    def verify(self, signature: bytes, text: bytes) -> bool:
        return bytes_eq(signature, self.sign(text))


@dataclass(frozen=True, slots=True)
class Digest:
    """A plain hash over the text with the shared secret at its end; a secret in front would let others lengthen the text."""

    hash: hashes.HashAlgorithm

    def sign(self, text: bytes) -> bytes:
        made = hashes.Hash(self.hash)
        made.update(text)
        return made.finalize()

    def verify(self, signature: bytes, text: bytes) -> bool:
        return bytes_eq(signature, self.sign(text))


def _wrong_kind(name: str, kind: str) -> ConfigRefused:
    return ConfigRefused(f"{name} is no {kind} key", code="key-kind", hint=f"give an {kind} key under this name")


def _rsa(
    scheme: Callable[[hashes.HashAlgorithm], padding.AsymmetricPadding], digest: hashes.HashAlgorithm
) -> "Builder":
    def build(settings: Settings, keys: KeyRing) -> Signatures:
        own, peer = settings.text("own_key"), settings.text("peer_key")
        return Rsa(keys.rsa_private(own), keys.rsa_public(peer), scheme(digest), digest)

    return build


def _pkcs1(_: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    return padding.PKCS1v15()


def _pss(digest: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    """Salt as long as the hash, as RFC 7518 and the usual libraries have it."""
    return padding.PSS(padding.MGF1(digest), digest.digest_size)


def ecdsa(settings: Settings, keys: KeyRing, usual: SignatureForm = SignatureForm.DER) -> Signatures:
    """``usual`` is the form of a signature where no setting tells. Raises ``ConfigRefused``."""
    own, peer = keys.private(settings.text("own_key")), keys.public(settings.text("peer_key"))
    if not isinstance(own, ec.EllipticCurvePrivateKey):
        raise _wrong_kind(settings.text("own_key"), "EC")
    if not isinstance(peer, ec.EllipticCurvePublicKey):
        raise _wrong_kind(settings.text("peer_key"), "EC")
    return Ecdsa(own, peer, settings.choice("signature_form", SignatureForm, usual))


def _ed25519(settings: Settings, keys: KeyRing) -> Signatures:
    own, peer = keys.private(settings.text("own_key")), keys.public(settings.text("peer_key"))
    if not isinstance(own, ed25519.Ed25519PrivateKey):
        raise _wrong_kind(settings.text("own_key"), "Ed25519")
    if not isinstance(peer, ed25519.Ed25519PublicKey):
        raise _wrong_kind(settings.text("peer_key"), "Ed25519")
    return Ed25519(own, peer)


def _sm2(settings: Settings, keys: KeyRing) -> Signatures:
    own, peer = settings.text("own_key"), settings.text("peer_key")
    form = settings.choice("signature_form", SignatureForm, SignatureForm.DER)
    user_id = settings.optional("user_id", DEFAULT_USER_ID.decode()).encode()
    return Sm2(keys.sm2_private(own), keys.sm2_public(peer), user_id, form)


def _hmac(digest: hashes.HashAlgorithm) -> "Builder":
    return lambda settings, keys: Hmac(secret_key(settings, keys, "secret"), digest)


def _digest(digest: hashes.HashAlgorithm) -> "Builder":
    return lambda _settings, _keys: Digest(digest)


Builder = Callable[[Settings, KeyRing], Signatures]

ALGORITHMS: Mapping[str, Builder] = {
    "rsa-sha256": _rsa(_pkcs1, hashes.SHA256()),
    "rsa-sha512": _rsa(_pkcs1, hashes.SHA512()),
    "rsa-pss-sha256": _rsa(_pss, hashes.SHA256()),
    "rsa-pss-sha512": _rsa(_pss, hashes.SHA512()),
    "ecdsa-sha256": ecdsa,
    "ed25519": _ed25519,
    "sm2-sm3": _sm2,
    "hmac-sha256": _hmac(hashes.SHA256()),
    "hmac-sha512": _hmac(hashes.SHA512()),
    "hmac-sm3": _hmac(hashes.SM3()),
    "sha256": _digest(hashes.SHA256()),
    "sm3": _digest(hashes.SM3()),
    # From here on: weak, by a dated exception only (weak.py).
    "rsa-sha1": _rsa(_pkcs1, hashes.SHA1()),  # noqa: S303
    "hmac-sha1": _hmac(hashes.SHA1()),  # noqa: S303
    "hmac-md5": _hmac(hashes.MD5()),  # noqa: S303
    "sha1": _digest(hashes.SHA1()),  # noqa: S303
    "md5": _digest(hashes.MD5()),  # noqa: S303
}
PLAIN_HASHES = frozenset({"sha256", "sm3", "sha1", "md5"})
"""They prove nothing unless the signed text ends with a shared secret."""


def build_signatures(settings: Settings, keys: KeyRing) -> Signatures:
    """From ``algorithm`` and its keys: ``own_key`` and ``peer_key``, or ``secret`` (read as ``key_form``)
    for HMAC.

    ``signature_form`` (der | raw) belongs to ECDSA and SM2, ``user_id`` (1234567812345678) to SM2; an empty one is allowed,
    because the 2023 text of GM/T 0009 prefers it.
    """
    name = settings.text("algorithm")
    if name not in ALGORITHMS:
        raise settings.refuse("algorithm", f"must be one of {', '.join(ALGORITHMS)}")
    if name in PLAIN_HASHES and not settings.optional("key_text"):
        raise settings.refuse("key_text", "must be given, because a plain hash proves nothing without a secret")
    return ALGORITHMS[name](settings, keys)


def key_names(settings: Settings) -> tuple[str, ...]:
    """The names of the keys that the settings use, for the record of a message."""
    return tuple(name for name in map(settings.optional, ("own_key", "peer_key", "secret")) if name)
