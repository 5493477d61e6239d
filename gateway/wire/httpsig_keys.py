"""Keys that sign requests: each stored key carries its one algorithm (names of the RFC 9421 registry)."""

import hmac
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.hmac import HMAC

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.keyfiles import PrivateKey, PublicKey
from gateway.wire.sm2_forms import der_from_raw

MIN_HMAC_BYTES = 32
_PSS = padding.PSS(padding.MGF1(SHA512()), 64)
_ECDSA = ec.ECDSA(SHA256())


class Algorithm(StrEnum):
    ED25519 = "ed25519"
    HMAC_SHA256 = "hmac-sha256"
    RSA_PSS_SHA512 = "rsa-pss-sha512"
    ECDSA_P256_SHA256 = "ecdsa-p256-sha256"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """One registered key: a shared secret, a public key (to verify) or a private key (to sign and verify)."""

    keyid: str
    material: PrivateKey | PublicKey | Secret[bytes]
    algorithm: Algorithm = field(init=False, repr=False, compare=False)
    _keyed: HMAC | None = field(init=False, repr=False, compare=False)
    """Begun with the secret; each message goes on from a copy."""

    def __post_init__(self) -> None:
        if isinstance(self.material, Secret) and len(self.material.expose()) < MIN_HMAC_BYTES:
            raise ConfigRefused(
                f"an HMAC secret must have {MIN_HMAC_BYTES} bytes or more", code="key-weak", hint="make a longer secret"
            )
        if not self.keyid or '"' in self.keyid or "\\" in self.keyid or not self.keyid.isascii():
            raise ConfigRefused("a key id must be plain ASCII", code="key-form", hint="choose another key id")
        object.__setattr__(self, "algorithm", self._only_algorithm())
        object.__setattr__(self, "_keyed", self._with_secret())

    def _only_algorithm(self) -> Algorithm:
        match self.material:
            case Secret():
                return Algorithm.HMAC_SHA256
            case ed25519.Ed25519PrivateKey() | ed25519.Ed25519PublicKey():
                return Algorithm.ED25519
            case rsa.RSAPrivateKey() | rsa.RSAPublicKey():
                return Algorithm.RSA_PSS_SHA512
            case ec.EllipticCurvePrivateKey() | ec.EllipticCurvePublicKey():
                return Algorithm.ECDSA_P256_SHA256
        raise ConfigRefused(
            "this kind of key can't sign requests", code="key-kind", hint="use Ed25519, P-256, RSA or HMAC"
        )

    def _with_secret(self) -> HMAC | None:
        return HMAC(self.material.expose(), SHA256()) if isinstance(self.material, Secret) else None

    def sign(self, data: bytes) -> bytes:
        """Raises ``ConfigRefused`` when only the public half is here."""
        match self.material:
            case Secret():
                return hmac.digest(self.material.expose(), data, "sha256")
            case ed25519.Ed25519PrivateKey():
                return self.material.sign(data)
            case rsa.RSAPrivateKey():
                return self.material.sign(data, _PSS, SHA512())
            case ec.EllipticCurvePrivateKey():
                r, s = decode_dss_signature(self.material.sign(data, _ECDSA))
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        raise ConfigRefused("a public key can't sign", code="key-kind", hint="give the private key")

    def verify(self, signature: bytes, data: bytes) -> bool:
        try:
            if self._keyed is None:
                self._verify_public(signature, data)
            else:
                mac = self._keyed.copy()
                mac.update(data)
                mac.verify(signature)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _verify_public(self, signature: bytes, data: bytes) -> None:
        key = self.material
        if not isinstance(key, Secret) and hasattr(key, "public_key"):
            key = key.public_key()
        match key:
            case ed25519.Ed25519PublicKey():
                key.verify(signature, data)
            case rsa.RSAPublicKey():
                key.verify(signature, data, _PSS, SHA512())
            case ec.EllipticCurvePublicKey():
                key.verify(der_from_raw(signature), data, _ECDSA)
            case _:
                raise InvalidSignature
