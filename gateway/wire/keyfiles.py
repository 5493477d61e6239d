"""Reading one key file: the right kind, strong enough, and readable by its owner only."""

from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    pkcs12,
)

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.pem import der_from_pem
from gateway.wire.sm2 import Sm2PrivateKey, Sm2PublicKey, is_sm2
from gateway.wire.sm2_certificates import sm2_key_of

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | Sm2PrivateKey
PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | Sm2PublicKey

MIN_RSA_BITS = 2048
_PROBE = b"Lianpei asks whether this key is whole"


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
        # The library's own check looks for primes for 0.1 s a key; the key proves itself by a signature instead.
        key = load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unreadable(path) from None
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        require_strong(path.name, key.public_key())
        _prove(path, key)
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


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Every certificate of the file, the one that it is named for first. Raises ``ConfigRefused``."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        raise _unreadable(path) from None


def read_pkcs12(path: Path, passphrase: Secret[str]) -> tuple[PrivateKey, list[x509.Certificate]]:
    """The key, and its certificate before those of its issuers. Raises ``ConfigRefused``."""
    require_owner_only(path)
    try:
        bundle = pkcs12.load_pkcs12(path.read_bytes(), passphrase.expose().encode())
    except ValueError:
        raise ConfigRefused(
            f"{path.name} does not open with its passphrase",
            code="key-passphrase",
            hint=f"write the passphrase into {path.name}.secret, or export the file again",
        ) from None
    key = bundle.key
    if bundle.cert is None or not isinstance(
        key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    ):
        raise _unreadable(path)
    require_strong(path.name, key.public_key())
    return key, [bundle.cert.certificate, *(one.certificate for one in bundle.additional_certs)]


def require_current(name: str, certificate: x509.Certificate, now: datetime) -> None:
    """Raises ``ConfigRefused`` (certificate-expired) unless ``certificate`` is valid at ``now``."""
    if now > certificate.not_valid_after_utc:
        raise ConfigRefused(
            f"the certificate {name} has expired",
            code="certificate-expired",
            hint="renew the certificate and load it again",
        )
    if now < certificate.not_valid_before_utc:
        raise ConfigRefused(
            f"the certificate {name} is not valid yet",
            code="certificate-expired",
            hint="check the clock and the certificate's dates",
        )


def certificate_key(path: Path, certificate: x509.Certificate) -> PublicKey:
    """The certificate's public key. Raises ``ConfigRefused`` for a kind that we don't use."""
    try:
        return sm2_key_of(certificate) or _known_public(path, certificate.public_key())
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


def kind_of(key: PublicKey) -> str:
    """``RSA-2048``, ``P-256``, ``Ed25519`` or ``SM2``."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA-{key.key_size}"
    if isinstance(key, Sm2PublicKey):
        return "SM2"
    return "P-256" if isinstance(key, ec.EllipticCurvePublicKey) else "Ed25519"


def spki(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo, to compare keys of any kind."""
    if isinstance(key, Sm2PublicKey):
        return key.to_der()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _prove(path: Path, key: object) -> None:
    """An RSA key whose numbers don't fit each other signs what its public half does not verify."""
    if isinstance(key, rsa.RSAPrivateKey):
        try:
            signature = key.sign(_PROBE, padding.PKCS1v15(), SHA256())
            key.public_key().verify(signature, _PROBE, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise _unreadable(path) from None


def _known_public(path: Path, key: object) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        require_strong(path.name, key)
        return key
    raise _unreadable(path)


def require_strong(name: str, key: PublicKey) -> None:
    """Raises ``ConfigRefused`` (key-weak) for RSA below 2048 bits or another curve than P-256."""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise ConfigRefused(f"{name} is shorter than {MIN_RSA_BITS} bits", code="key-weak", hint="use a longer key")
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1):
        raise ConfigRefused(f"{name} is not on curve P-256", code="key-weak", hint="use a P-256 key")


def _unreadable(path: Path) -> ConfigRefused:
    return ConfigRefused(
        f"{path.name} can't be read as a key or certificate that we use",
        code="key-form",
        hint="use RSA (2048 bits or more), P-256, Ed25519 or SM2, as unencrypted PEM",
    )
