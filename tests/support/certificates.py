"""A certificate authority for tests: any chain, purpose, day and revocation list, and files as the key directory wants them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same number: making one takes a tenth of a second."""
    return rsa.generate_private_key(65537, bits)


def usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in _USAGES})


def subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass
class Issuer:
    """An authority. ``below`` makes an intermediate one."""

    name: str = "Test authority"
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    above: "Issuer | None" = None
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        above = self.above or self
        builder = self._builder(self.name, self.key.public_key(), above, timedelta(days=1000))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
        self.certificate = builder.sign(above.key, SHA256())

    def below(self, name: str) -> "Issuer":
        return Issuer(name, above=self)

    def issue(
        self,
        common_name: str,
        key: Any,
        days: float = 365,
        uses: tuple[str, ...] = ("digital_signature",),
        purposes: tuple[x509.ObjectIdentifier, ...] = (),
    ) -> x509.Certificate:
        """A certificate that ends ``days`` from now."""
        builder = self._builder(common_name, key.public_key(), self, timedelta(days=days))
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if uses:
            builder = builder.add_extension(usage(*uses), critical=True)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(self.key, SHA256())

    def revoking(self, *certificates: x509.Certificate, days: float = 7) -> bytes:
        """A revocation list as PEM; with negative ``days`` one that has ended."""
        start = datetime.now(UTC) - timedelta(days=30)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(start).next_update(datetime.now(UTC) + timedelta(days=days))
        for one in certificates:
            revoked = x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(start)
            builder = builder.add_revoked_certificate(revoked.build())
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM)

    @staticmethod
    def _builder(name: str, public: Any, above: "Issuer", lasts: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject(name)).issuer_name(subject(above.name))
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=400)).not_valid_after(now + lasts)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        above_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key())
        return builder.add_extension(above_key, critical=False)


def put_certificate(directory: Path, name: str, *certificates: x509.Certificate) -> Path:
    path = directory / f"{name}.cert.pem"
    path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    return path


def put_key(directory: Path, name: str, key: Any) -> Path:
    return put_private(directory / f"{name}.key.pem", key_pem(key))


def put_private(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def key_pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
