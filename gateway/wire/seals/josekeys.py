"""Keys of the ring as joserfc wants them, each held to the kind that its algorithm needs."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gateway.kernel.errors import ConfigRefused
from gateway.wire.jwk import ec_jwk, rsa_jwk
from gateway.wire.keyfiles import PrivateKey, PublicKey
from gateway.wire.keys import KeyRing
from gateway.wire.seals.keytext import secret_key
from gateway.wire.seals.settings import Settings

JoseKey: TypeAlias = RSAKey | ECKey | OKPKey | OctKey


class SignAlgorithm(StrEnum):
    """``none`` is left out on purpose; HS256 takes a secret and never a public key."""

    RS256 = "RS256"
    RS512 = "RS512"
    PS256 = "PS256"
    PS512 = "PS512"
    ES256 = "ES256"
    ED25519 = "Ed25519"
    EDDSA = "EdDSA"
    HS256 = "HS256"
    HS512 = "HS512"


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


_KINDS: Mapping[str, str] = {
    "RS": "RSA",
    "PS": "RSA",
    "ES": "EC",
    "Ed": "Ed25519",
}
_SHORTEST_SECRET = {SignAlgorithm.HS256: 32, SignAlgorithm.HS512: 64}
"""RFC 7518, 3.2: at least as long as the hash."""
_CONTENT_KEY = {ContentAlgorithm.A256GCM: 32, ContentAlgorithm.A128GCM: 16}


def sign_keys(
    settings: Settings, keys: KeyRing, algorithm: SignAlgorithm, own: str = "own_key", peer: str = "peer_key"
) -> tuple[JoseKey, JoseKey, tuple[str, ...]]:
    """Our key, the peer's and the names of both, from the settings named ``own`` and ``peer``, or from ``secret``."""
    if algorithm in _SHORTEST_SECRET:
        name = settings.text("secret")
        secret = secret_key(settings, keys, "secret").expose()
        if len(secret) < _SHORTEST_SECRET[algorithm]:
            raise settings.refuse("secret", f"must name a secret of {_SHORTEST_SECRET[algorithm]} bytes or more")
        shared = OctKey.import_key(secret)
        return shared, shared, (name,)
    kind = _KINDS[algorithm[:2]]
    ours, theirs = settings.text(own), settings.text(peer)
    return _of(keys.private(ours), kind, ours), _of(keys.public(theirs), kind, theirs), (ours, theirs)


def crypt_keys(
    settings: Settings, keys: KeyRing, algorithm: KeyAlgorithm, content: ContentAlgorithm
) -> tuple[JoseKey, JoseKey, tuple[str, ...]]:
    """Our key, the peer's and the names: ``own_key`` and ``peer_key``, or ``key`` (a secret) for ``dir``."""
    if algorithm is KeyAlgorithm.DIRECT:
        shared = OctKey.import_key(secret_key(settings, keys, "key", (_CONTENT_KEY[content],)).expose())
        return shared, shared, (settings.text("key"),)
    kind = "EC" if algorithm is KeyAlgorithm.ECDH_ES_A256KW else "RSA"
    own, peer = settings.text("own_key"), settings.text("peer_key")
    return _of(keys.private(own), kind, own), _of(keys.public(peer), kind, peer), (own, peer)


def _of(key: PrivateKey | PublicKey, kind: str, name: str) -> JoseKey:
    if kind == "RSA" and isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return rsa_jwk(key)
    if kind == "EC" and isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return ec_jwk(key)
    if kind == "Ed25519" and isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return OKPKey.import_key(key)
    raise ConfigRefused(f"{name} is no {kind} key", code="key-kind", hint=f"give an {kind} key under this name")
