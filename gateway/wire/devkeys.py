"""Throw-away keys for development and tests, and the guard that keeps them out of every other mode."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.kernel.errors import ConfigRefused
from gateway.wire.entries import CERTIFICATE, KEY, PUBLIC, SECRET, SUFFIXES
from gateway.wire.keyfiles import PrivateKey
from gateway.wire.keymaking import private_pem, public_pem
from gateway.wire.keys import KeyRing
from gateway.wire.sm2 import Sm2PrivateKey

MARKER = "DEVELOPMENT-ONLY"
CA = "ca"
SERVERS = ("gateway-tls", "payment-tls", "sandbox-tls")
CLIENTS = {"hospital-h1": "H99990100001", "hospital-h4": "H99990100004"}
"""Certificate name -> common name, which is the hospital's code."""
RSA_KEYS = ("ant-gateway-rsa", "ant-insurer-rsa", "hcx-gateway-rsa", "hcx-insurer-rsa")
RSA_CERTIFIED = ("eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa")
SM2_KEYS = ("huiyibao-gateway-sm2", "huiyibao-insurer-sm2", "mobile-gateway-sm2", "hospital-h4-sm2")
ED25519_KEYS = ("hospital-h2-sign", "audit-sign")
SECRETS = (
    "hospital-h3-hmac",
    "hospital-h4-password",
    "hospital-h4-app",
    "clearing-payment",
    "vault-claims",
    "vault-index",
    "vault-payment",
    "package-app",
    "eclaimlink-pwd",
    "hcx-pwd",
    "gbk-soap-password",
    "operator-one",
    "operator-two",
)
"""32 random bytes, written as 64 hex digits."""
AES_SECRETS = ("package-aes",)
"""16 ASCII characters that are the AES-128 key as they stand."""

_AUTHORITY_NAME = "Lianpei development CA"
_VALID = timedelta(days=730)
_Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def create_development_keys(directory: Path) -> None:
    """Create what is missing of the development set; files that exist stay as they are.

    Raises ``ConfigRefused`` when the directory holds keys without the marker: those may be real.
    """
    with _alone(directory):
        _create(directory)


def refuse_development_keys(directory: Path, mode: str) -> None:
    """Raise ``ConfigRefused`` when the directory carries the marker and ``mode`` is not ``development``."""
    if mode != "development" and (directory / MARKER).exists():
        raise ConfigRefused(
            "the key directory holds development keys",
            code="development-keys",
            hint=f"point the settings at real keys; never delete {MARKER} to get past this",
        )


def refuse_development_certificates(keys: KeyRing, mode: str) -> None:
    """Raise ``ConfigRefused`` when a key was copied out of a development set, in whatever file, with its certificate."""
    made_here = _name(_AUTHORITY_NAME)
    for name, entry in keys.entries.items():
        if mode != "development" and any(one.issuer == made_here for one in entry.certificates):
            raise ConfigRefused(
                f"{name} was issued for development",
                code="development-keys",
                hint="order a certificate from a real authority and make its key here: lianpei keys new, lianpei keys csr",
            )


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Rooms that start together must agree on one set, so the directory is locked while it is filled."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create(directory: Path) -> None:
    _mark(directory)
    authority = _authority(directory)
    for name in SERVERS:
        if _missing(directory, name, CERTIFICATE):
            _certified(directory, name, authority, ec.generate_private_key(ec.SECP256R1()), name, server=True)
    for name, common_name in CLIENTS.items():
        if _missing(directory, name, CERTIFICATE):
            _certified(directory, name, authority, ec.generate_private_key(ec.SECP256R1()), common_name)
    for name in RSA_CERTIFIED:
        if _missing(directory, name, CERTIFICATE):
            _certified(directory, name, authority, _rsa(), name)
    _plain_keys(directory)
    for name in SECRETS:
        if _missing(directory, name, SECRET):
            _write(directory / f"{name}{SECRET}", secrets.token_hex(32).encode())
    for name in AES_SECRETS:
        if _missing(directory, name, SECRET):
            _write(directory / f"{name}{SECRET}", secrets.token_hex(8).encode())


def _mark(directory: Path) -> None:
    marker = directory / MARKER
    if not marker.exists() and any(path.name.endswith(SUFFIXES) for path in directory.iterdir()):
        raise ConfigRefused(
            "the directory already holds keys that are not marked as development keys",
            code="development-keys",
            hint="choose an empty directory for development keys",
        )
    if not marker.exists():
        _write(marker, b"These keys were made for development. They protect nothing.\n")


def _plain_keys(directory: Path) -> None:
    for name in RSA_KEYS:
        if _missing(directory, name, PUBLIC):
            _write_pair(directory, name, _rsa())
    for name in ED25519_KEYS:
        if _missing(directory, name, PUBLIC):
            _write_pair(directory, name, ed25519.Ed25519PrivateKey.generate())
    for name in SM2_KEYS:
        if _missing(directory, name, PUBLIC):
            _write_pair(directory, name, Sm2PrivateKey.generate())


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _missing(directory: Path, name: str, suffix: str) -> bool:
    return not (directory / f"{name}{suffix}").exists()


def _write(path: Path, data: bytes) -> None:
    """Created with mode 0600 from the first byte, so that no reader can slip in between."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


def _write_pair(directory: Path, name: str, key: PrivateKey) -> None:
    _write(directory / f"{name}{KEY}", private_pem(key))
    _write(directory / f"{name}{PUBLIC}", public_pem(key))


class _Authority:
    """The throw-away certificate authority."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self.key = key


def _authority(directory: Path) -> _Authority:
    certificate_path, key_path = directory / f"{CA}{CERTIFICATE}", directory / f"{CA}{KEY}"
    if certificate_path.exists() and key_path.exists():
        loaded = load_pem_private_key(key_path.read_bytes(), password=None)
        if isinstance(loaded, ec.EllipticCurvePrivateKey):
            return _Authority(x509.load_pem_x509_certificate(certificate_path.read_bytes()), loaded)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(_AUTHORITY_NAME)
    builder = _builder(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    authority = _Authority(builder.sign(key, SHA256()), key)
    _write_pair(directory, CA, key)
    _write(certificate_path, authority.certificate.public_bytes(Encoding.PEM))
    return authority


def _certified(
    directory: Path, name: str, authority: _Authority, key: _Private, common_name: str, *, server: bool = False
) -> None:
    builder = _builder(_name(common_name), authority.certificate.subject, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if server:
        builder = builder.add_extension(_local_names(), critical=False)
    _write_pair(directory, name, key)
    certificate = builder.sign(authority.key, SHA256())
    _write(directory / f"{name}{CERTIFICATE}", certificate.public_bytes(Encoding.PEM))


def _builder(subject: x509.Name, issuer: x509.Name, key: _Private) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _local_names() -> x509.SubjectAlternativeName:
    addresses = [x509.IPAddress(ip_address(text)) for text in ("127.0.0.1", "::1")]
    return x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
