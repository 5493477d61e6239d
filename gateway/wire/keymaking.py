"""New keys and certificate requests. A private key is written once, for its owner only, and never over another."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.kernel.errors import ConfigRefused
from gateway.wire.entries import KEY, PUBLIC
from gateway.wire.keyfiles import PrivateKey, PublicKey, spki
from gateway.wire.pem import pem_from_der
from gateway.wire.sm2 import DEFAULT_USER_ID, Sm2PrivateKey

Subject: TypeAlias = Mapping[str, str]
"""Short names (CN, O, OU, C, ST, L) to values, most general first."""

KINDS = ("rsa-2048", "rsa-3072", "rsa-4096", "p-256", "ed25519", "sm2")
_OIDS = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
}


def new_key(kind: str) -> PrivateKey:
    """A fresh key of one of ``KINDS``."""
    if kind.startswith("rsa-"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))
    if kind == "p-256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else Sm2PrivateKey.generate()


def write_pair(directory: Path, name: str, key: PrivateKey) -> tuple[Path, Path]:
    """Write ``<name>.key.pem`` and ``<name>.pub.pem``. Raises ``ConfigRefused`` (key-exists) when one is there already."""
    private, public = directory / f"{name}{KEY}", directory / f"{name}{PUBLIC}"
    if private.exists() or public.exists():
        raise ConfigRefused(
            f"there is a key {name} already", code="key-exists", hint="choose a new name, such as one with the year"
        )
    write_new(private, private_pem(key))
    write_new(public, public_pem(key))
    return private, public


def write_new(path: Path, data: bytes) -> None:
    """Created with mode 0600 from the first byte, so that no reader can slip in between; never over another file."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigRefused(
            f"{path.name} exists already", code="key-exists", hint="choose a new name, such as one with the year"
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def private_pem(key: PrivateKey) -> bytes:
    """PKCS#8 in clear: the caller writes it to a file that only its owner may read."""
    if isinstance(key, Sm2PrivateKey):
        return key.to_pem()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: PrivateKey) -> bytes:
    return public_half_pem(key.public_key())


def public_half_pem(public: PublicKey) -> bytes:
    """SubjectPublicKeyInfo."""
    return pem_from_der(spki(public), "PUBLIC KEY")


def parse_subject(text: str) -> Subject:
    """``CN=…,O=…,C=CN``. Raises ``ConfigRefused`` (csr-subject)."""
    try:
        parts = x509.Name.from_rfc4514_string(text)
        named = {oid: short for short, oid in _OIDS.items()}
        found = {named[one.oid]: str(one.value) for one in parts}
        request_name(found)
    except (ValueError, KeyError):
        raise ConfigRefused(
            "the subject is no distinguished name", code="csr-subject", hint="write CN=…,O=…,C=CN (CN, OU, O, L, ST, C)"
        ) from None
    return found


def request_name(subject: Subject) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, subject[short]) for short, oid in _OIDS.items() if short in subject])


def certificate_request(key: PrivateKey, subject: Subject, dns: Sequence[str], key_file: Path) -> bytes:
    """A PKCS#10 request as PEM, signed by the key wherever it lies; SM2 by the system's openssl, from ``key_file``."""
    if isinstance(key, Sm2PrivateKey):
        return _sm2_request(key_file, subject)
    builder = x509.CertificateSigningRequestBuilder().subject_name(request_name(subject))
    if dns:
        names = x509.SubjectAlternativeName([x509.DNSName(one) for one in dns])
        builder = builder.add_extension(names, critical=False)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.PEM)


def _sm2_request(key_file: Path, subject: Subject) -> bytes:
    """The crypto library knows no SM2; openssl 3 signs with SM3 under the usual user id."""
    text = "".join(f"/{short}={_escaped(value)}" for short, value in subject.items())
    command = ["openssl", "req", "-new", "-utf8", "-key", str(key_file), "-sm3", "-subj", text]
    command += ["-sigopt", f"distid:{DEFAULT_USER_ID.decode()}"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=30)  # noqa: S603 - no shell, fixed program
    if done.returncode != 0:
        raise ConfigRefused(
            "openssl can't make an SM2 certificate request",
            code="sm2-library",
            hint="install openssl 3 (apt-get install openssl)",
        )
    return done.stdout


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("/", "\\/").replace("+", "\\+")
