"""Keys of the ring for JOSE's algorithms, each held to the kind that its algorithm needs."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, RSAKey

from gateway.kernel.errors import ConfigRefused
from gateway.wire.jwk import ec_jwk, rsa_jwk
from gateway.wire.keyfiles import PrivateKey, PublicKey
from gateway.wire.keys import KeyRing
from gateway.wire.seals.keytext import secret_key
from gateway.wire.seals.settings import Settings
from gateway.wire.seals.signatures import ALGORITHMS, Signatures, ecdsa, key_names
from gateway.wire.sm2_forms import SignatureForm

JoseKey: TypeAlias = RSAKey | ECKey


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


_SIGNATURES: Mapping[SignAlgorithm, str] = {
    SignAlgorithm.RS256: "rsa-sha256",
    SignAlgorithm.RS512: "rsa-sha512",
    SignAlgorithm.PS256: "rsa-pss-sha256",
    SignAlgorithm.PS512: "rsa-pss-sha512",
    SignAlgorithm.ED25519: "ed25519",
    SignAlgorithm.EDDSA: "ed25519",
    SignAlgorithm.HS256: "hmac-sha256",
    SignAlgorithm.HS512: "hmac-sha512",
}
_SHORTEST_SECRET = {SignAlgorithm.HS256: 32, SignAlgorithm.HS512: 64}
"""RFC 7518, 3.2: at least as long as the hash."""


def sign_keys(settings: Settings, keys: KeyRing, algorithm: SignAlgorithm) -> tuple[Signatures, tuple[str, ...]]:
    """Both directions and the names of their keys: ``own_key`` and ``peer_key``, or ``secret``."""
    if algorithm is SignAlgorithm.ES256:
        return ecdsa(settings, keys, SignatureForm.RAW), key_names(settings)
    shortest = _SHORTEST_SECRET.get(algorithm, 0)
    if shortest and len(secret_key(settings, keys, "secret").expose()) < shortest:
        raise settings.refuse("secret", f"must name a secret of {shortest} bytes or more")
    return ALGORITHMS[_SIGNATURES[algorithm]](settings, keys), key_names(settings)


def agreement_keys(keys: KeyRing, own: str, peer: str, *, elliptic: bool) -> tuple[JoseKey, JoseKey]:
    """Our key and the peer's as joserfc wants them."""
    kind = "EC" if elliptic else "RSA"
    return _of(keys.private(own), kind, own), _of(keys.public(peer), kind, peer)


def _of(key: PrivateKey | PublicKey, kind: str, name: str) -> JoseKey:
    if kind == "RSA" and isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return rsa_jwk(key)
    if kind == "EC" and isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return ec_jwk(key)
    raise ConfigRefused(f"{name} is no {kind} key", code="key-kind", hint=f"give an {kind} key under this name")
