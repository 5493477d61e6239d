"""Reading one key file: the right kind, strong enough, and readable by its owner only."""

from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.pem import der_from_pem
from gateway.wire.sm2 import Sm2PrivateKey, Sm2PublicKey, is_sm2

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | Sm2PrivateKey
PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | Sm2PublicKey

MIN_RSA_BITS = 2048


def require_owner_only(path: Path) -> None:
    """Refuse a private file that its group or the world may read."""
    if path.stat().st_mode & 0o077:
        raise ConfigRefused(
            f"{path.name} can be read by others than its owner", code="key-permissions", hint=f"chmod 600 {path.name}"
        )


def read_private(path: Path) -> PrivateKey:
    """An unencrypted PKCS#8 key: RSA (2048 bits or more), P-256, Ed25519 or SM2. Raises ``ConfigRefused``."""
    require_owner_only(path)
    der = der_from_pem(path.read_bytes(), "PRIVATE KEY")
    if is_sm2(der):
        return Sm2PrivateKey.from_der(der)
    try:
        key = load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unreadable(path) from None
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        _require_strong(path, key.public_key())
        return key
    raise _unreadable(path)


def read_public(path: Path) -> PublicKey:
    """A SubjectPublicKeyInfo of the same kinds. Raises ``ConfigRefused``."""
    der = der_from_pem(path.read_bytes(), "PUBLIC KEY")
    if is_sm2(der):
        return Sm2PublicKey.from_der(der)
    try:
        return _known_public(path, load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm):
        raise _unreadable(path) from None


def read_certificate(path: Path, now: datetime) -> x509.Certificate:
    """The first certificate of the file, valid at ``now``. Raises ``ConfigRefused``."""
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except ValueError:
        raise _unreadable(path) from None
    if now > certificate.not_valid_after_utc:
        raise ConfigRefused(
            f"{path.name} has expired", code="certificate-expired", hint="renew the certificate and load it again"
        )
    if now < certificate.not_valid_before_utc:
        raise ConfigRefused(
            f"{path.name} is not valid yet",
            code="certificate-expired",
            hint="check the clock and the certificate's dates",
        )
    return certificate


def certificate_key(path: Path, certificate: x509.Certificate) -> PublicKey:
    """The certificate's public key. Raises ``ConfigRefused`` for a kind that we don't use."""
    try:
        return _known_public(path, certificate.public_key())
    except (ValueError, UnsupportedAlgorithm):
        raise _unreadable(path) from None


def read_secret(path: Path) -> Secret[str]:
    """The text of the file; one line end at its end is an editor's habit and not part of the secret."""
    require_owner_only(path)
    try:
        text = path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise _unreadable(path) from None
    if not text:
        raise ConfigRefused(f"{path.name} is empty", code="key-form", hint="write the secret into the file")
    return Secret(text)


def spki(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo, to compare keys of any kind."""
    if isinstance(key, Sm2PublicKey):
        return key.to_der()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _known_public(path: Path, key: object) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        _require_strong(path, key)
        return key
    raise _unreadable(path)


def _require_strong(path: Path, key: PublicKey) -> None:
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise ConfigRefused(
            f"{path.name} is shorter than {MIN_RSA_BITS} bits", code="key-weak", hint="use a longer key"
        )
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1):
        raise ConfigRefused(f"{path.name} is not on curve P-256", code="key-weak", hint="use a P-256 key")


def _unreadable(path: Path) -> ConfigRefused:
    return ConfigRefused(
        f"{path.name} can't be read as a key or certificate that we use",
        code="key-form",
        hint="use RSA (2048 bits or more), P-256, Ed25519 or SM2, as unencrypted PEM",
    )
