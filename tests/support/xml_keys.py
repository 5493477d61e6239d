"""A key ring for XML seals: RSA and P-256 pairs with certificates, as two partners and a stranger hold them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.wire.keys import KeyRing

OURS, THEIRS, STRANGER = "ours-rsa", "theirs-rsa", "stranger-rsa"
OURS_EC, THEIRS_EC = "ours-ec", "theirs-ec"


def make_ring(directory: Path) -> KeyRing:
    for name in (OURS, THEIRS, STRANGER):
        _write(directory, name, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    for name in (OURS_EC, THEIRS_EC):
        _write(directory, name, ec.generate_private_key(ec.SECP256R1()))
    return KeyRing.from_directory(directory)


def _write(directory: Path, name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    path = directory / f"{name}.key.pem"
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (directory / f"{name}.cert.pem").write_bytes(_certificate(name, key).public_bytes(Encoding.PEM))


def _certificate(name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Issued by itself, with a name that needs escaping in XML and in RFC 4514."""
    parts = [
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "Test, Tests & Söhne"),
        (NameOID.COMMON_NAME, name),
    ]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=100))
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identity, critical=False).sign(key, SHA256())
