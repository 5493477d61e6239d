"""The algorithms that an XML signature may use. Which of them counts stands in the manifest, never in a message.

Names are ours (``rsa-sha256``); URIs are those of XML-DSig 1.1 and RFC 9231.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals.xml.names import DS, XENC

SigningKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
VerifyingKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
_P256_BYTES = 32


class C14n(StrEnum):
    """Canonical XML 1.0 without comments."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"

    @property
    def uri(self) -> str:
        return _C14N_URIS[self]


_C14N_URIS = {
    C14n.EXCLUSIVE: "http://www.w3.org/2001/10/xml-exc-c14n#",
    C14n.INCLUSIVE: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
}


class Digest(StrEnum):
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"
    SHA1 = "sha1"

    @property
    def uri(self) -> str:
        return _DIGEST_URIS[self]

    def of(self, data: bytes) -> bytes:
        return _DIGESTS[self](data).digest()


_DIGESTS: dict[Digest, Callable[[bytes], "hashlib._Hash"]] = {
    Digest.SHA256: hashlib.sha256,
    Digest.SHA384: hashlib.sha384,
    Digest.SHA512: hashlib.sha512,
    Digest.SHA1: hashlib.sha1,
}
_DIGEST_URIS = {
    Digest.SHA256: XENC + "sha256",
    Digest.SHA384: _MORE + "sha384",
    Digest.SHA512: XENC + "sha512",
    Digest.SHA1: DS + "sha1",
}


class Method(StrEnum):
    """How SignedInfo is signed. ECDSA travels as ``r || s``, 32 bytes each (P-256); a PSS salt is as long as the hash."""

    RSA_SHA256 = "rsa-sha256"
    RSA_SHA384 = "rsa-sha384"
    RSA_SHA512 = "rsa-sha512"
    PSS_SHA256 = "rsa-pss-sha256"
    PSS_SHA384 = "rsa-pss-sha384"
    PSS_SHA512 = "rsa-pss-sha512"
    ECDSA_SHA256 = "ecdsa-sha256"
    RSA_SHA1 = "rsa-sha1"

    @property
    def uri(self) -> str:
        return _METHOD_URIS[self]

    @property
    def elliptic(self) -> bool:
        return self is Method.ECDSA_SHA256

    def sign(self, key: SigningKey, data: bytes) -> bytes:
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, self._padding(), self._hash())
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(self._hash())))
        return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")

    def holds(self, key: VerifyingKey, signature: bytes, data: bytes) -> bool:
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, data, self._padding(), self._hash())
            else:
                key.verify(_dss(signature), data, ec.ECDSA(self._hash()))
        except InvalidSignature:
            return False
        return True

    def _hash(self) -> hashes.HashAlgorithm:
        return _SCHEMES[self][0]

    def _padding(self) -> padding.PKCS1v15 | padding.PSS:
        return _SCHEMES[self][1]


_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha1": hashes.SHA1(),  # noqa: S303 - a partner's dated exception only
}


def _scheme(method: Method) -> tuple[hashes.HashAlgorithm, padding.PKCS1v15 | padding.PSS]:
    hashed = _HASHES[method.value.rpartition("-")[2]]
    if method.value.startswith("rsa-pss"):
        return hashed, padding.PSS(padding.MGF1(hashed), padding.PSS.DIGEST_LENGTH)
    return hashed, padding.PKCS1v15()


_SCHEMES = {method: _scheme(method) for method in Method}
_METHOD_URIS = {
    Method.RSA_SHA256: _MORE + "rsa-sha256",
    Method.RSA_SHA384: _MORE + "rsa-sha384",
    Method.RSA_SHA512: _MORE + "rsa-sha512",
    Method.PSS_SHA256: _MORE_2007 + "sha256-rsa-MGF1",
    Method.PSS_SHA384: _MORE_2007 + "sha384-rsa-MGF1",
    Method.PSS_SHA512: _MORE_2007 + "sha512-rsa-MGF1",
    Method.ECDSA_SHA256: _MORE + "ecdsa-sha256",
    Method.RSA_SHA1: DS + "rsa-sha1",
}


def _dss(signature: bytes) -> bytes:
    if len(signature) != 2 * _P256_BYTES:
        raise InvalidSignature
    r, s = signature[:_P256_BYTES], signature[_P256_BYTES:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


@dataclass(frozen=True, slots=True)
class Suite:
    """The algorithms that both ends agreed on. A message that names another one is refused."""

    method: Method = Method.RSA_SHA256
    digest: Digest = Digest.SHA256
    c14n: C14n = C14n.EXCLUSIVE

    @property
    def weak(self) -> tuple[str, ...]:
        """What of it loads only under a dated exception."""
        found = [self.method.value] if self.method is Method.RSA_SHA1 else []
        return (*found, *(["sha1"] if self.digest is Digest.SHA1 else []))


def signing_key(keys: KeyRing, name: str, method: Method) -> SigningKey:
    """Our key, of the kind that ``method`` needs. Raises ``ConfigRefused`` (key-missing, key-kind)."""
    verifying_key(keys, name, method)
    return cast(SigningKey, keys.private(name))


def verifying_key(keys: KeyRing, name: str, method: Method) -> VerifyingKey:
    """The peer's key, of the kind that ``method`` needs. Raises ``ConfigRefused`` (key-missing, key-kind)."""
    key = keys.public(name)
    if isinstance(key, ec.EllipticCurvePublicKey) and method.elliptic:
        return key
    if isinstance(key, rsa.RSAPublicKey) and not method.elliptic:
        return key
    kind = "P-256" if method.elliptic else "RSA"
    raise ConfigRefused(
        f"{name} is no {kind} key, which {method.value} needs", code="key-kind", hint=f"give a {kind} key"
    )
