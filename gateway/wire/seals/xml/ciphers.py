"""The ciphers that an encrypted Body may use, and how its content key is wrapped. Names are ours, URIs those of XML-Enc 1.1."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from gateway.wire.seals import refusal
from gateway.wire.seals.xml.names import DS, XENC, XENC11, ds, xenc11

_BLOCK = 16
_NONCE = 12


class Content(StrEnum):
    """The content cipher. CBC shows a tampered message to nobody, so it loads under a dated exception only."""

    AES256_GCM = "aes256-gcm"
    AES128_GCM = "aes128-gcm"
    AES256_CBC = "aes256-cbc"
    AES128_CBC = "aes128-cbc"

    @property
    def uri(self) -> str:
        return (XENC if self.cbc else XENC11) + self.value

    @property
    def cbc(self) -> bool:
        return self.value.endswith("cbc")

    @property
    def key_bytes(self) -> int:
        return 32 if self.value.startswith("aes256") else 16

    def encrypt(self, key: bytes, data: bytes) -> bytes:
        if not self.cbc:
            nonce = os.urandom(_NONCE)
            return nonce + AESGCM(key).encrypt(nonce, data, None)
        start, length = os.urandom(_BLOCK), _BLOCK - len(data) % _BLOCK
        cipher = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
        return start + cipher.update(data + os.urandom(length - 1) + bytes([length])) + cipher.finalize()

    def decrypt(self, key: bytes, data: bytes) -> bytes:
        """Raises ``ValueError`` or ``InvalidTag``."""
        if not self.cbc:
            return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], None)
        cipher = Cipher(algorithms.AES(key), modes.CBC(data[:_BLOCK])).decryptor()
        padded = cipher.update(data[_BLOCK:]) + cipher.finalize()
        if not padded or not 1 <= padded[-1] <= _BLOCK:
            raise ValueError
        return padded[: -padded[-1]]


@dataclass(frozen=True, slots=True)
class Wrapping:
    uri: str
    digest: str
    mask: str
    padding: padding.OAEP | padding.PKCS1v15

    def parameters(self) -> str:
        digest = f'<ds:DigestMethod Algorithm="{self.digest}"></ds:DigestMethod>' if self.digest else ""
        mask = f'<xenc11:MGF xmlns:xenc11="{XENC11}" Algorithm="{self.mask}"></xenc11:MGF>' if self.mask else ""
        return digest + mask


def _oaep(digest: hashes.HashAlgorithm, mask: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(mask), digest, None)


_SHA1, _SHA256 = DS + "sha1", XENC + "sha256"


class KeyTransport(StrEnum):
    """How the content key is wrapped. SHA-1 inside OAEP is not a weakness (RFC 8017, B.1); RSA1_5 is."""

    OAEP_SHA256 = "rsa-oaep-sha256"
    OAEP_MGF1P = "rsa-oaep-mgf1p"
    OAEP_MGF1P_SHA256 = "rsa-oaep-mgf1p-sha256"
    RSA1_5 = "rsa-1_5"

    @property
    def wrapping(self) -> Wrapping:
        return _WRAPPINGS[self]

    @property
    def weak(self) -> bool:
        return self is KeyTransport.RSA1_5

    def require(self, method: etree._Element) -> None:
        """Raise ``SealRefused`` (seal-algorithm) unless an EncryptionMethod says exactly this."""
        agreed = self.wrapping
        digest, mask = method.find(ds("DigestMethod")), method.find(xenc11("MGF"))
        said = (
            method.get("Algorithm"),
            digest.get("Algorithm") if digest is not None else (_SHA1 if agreed.digest else ""),
            mask.get("Algorithm") if mask is not None else "",
        )
        extra = len(method) - (digest is not None) - (mask is not None)
        if said != (agreed.uri, agreed.digest, agreed.mask) or extra:
            raise refusal.algorithm()


_WRAPPINGS: Mapping[KeyTransport, Wrapping] = {
    KeyTransport.OAEP_SHA256: Wrapping(
        XENC11 + "rsa-oaep", _SHA256, XENC11 + "mgf1sha256", _oaep(hashes.SHA256(), hashes.SHA256())
    ),
    KeyTransport.OAEP_MGF1P: Wrapping(
        XENC + "rsa-oaep-mgf1p",
        _SHA1,
        "",
        _oaep(hashes.SHA1(), hashes.SHA1()),  # noqa: S303
    ),
    KeyTransport.OAEP_MGF1P_SHA256: Wrapping(
        XENC + "rsa-oaep-mgf1p",
        _SHA256,
        "",
        _oaep(hashes.SHA256(), hashes.SHA1()),  # noqa: S303
    ),
    KeyTransport.RSA1_5: Wrapping(XENC + "rsa-1_5", "", "", padding.PKCS1v15()),
}
