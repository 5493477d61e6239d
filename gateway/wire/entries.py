"""One name of the key directory: its files, read and held against each other.

``<name>.key.pem`` (PKCS#8), ``<name>.pub.pem``, ``<name>.cert.pem`` (the certificate first, then its chain), ``<name>.p12``
(its passphrase in ``<name>.p12.secret``), ``<name>.pkcs11`` (the address of a key in a slot) and ``<name>.secret``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.keyfiles import (
    PrivateKey,
    PublicKey,
    certificate_key,
    read_certificates,
    read_pkcs12,
    read_private,
    read_public,
    read_secret,
    require_current,
    spki,
)
from gateway.wire.slots import open_slot_key

KEY, PUBLIC, CERTIFICATE, SECRET, PKCS12, SLOT = ".key.pem", ".pub.pem", ".cert.pem", ".secret", ".p12", ".pkcs11"
SUFFIXES = (KEY, PUBLIC, CERTIFICATE, SECRET, PKCS12, SLOT)
_PRIVATE = (KEY, PKCS12, SLOT)
ENVIRONMENT = "LIANPEI_SECRET_"
"""A variable of this prefix is a secret: ``LIANPEI_SECRET_PACKAGE_AES`` is ``package-aes``."""


class Origin(StrEnum):
    """Where the private half or the secret of an entry lies."""

    FILE = "file"
    PKCS12 = "pkcs12"
    SLOT = "slot"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ring holds under one name."""

    private: PrivateKey | None = None
    public: PublicKey | None = None
    certificate: x509.Certificate | None = None
    chain: tuple[x509.Certificate, ...] = ()
    """The certificates that follow the first one: issuers, or further authorities of a trust file."""
    secret: Secret[str] | None = None
    origin: Origin = Origin.FILE

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """Its certificate and the chain behind it."""
        return () if self.certificate is None else (self.certificate, *self.chain)

    @property
    def ends(self) -> datetime | None:
        """When the first of its certificates ends."""
        return min((one.not_valid_after_utc for one in self.certificates), default=None)

    def require_current(self, name: str, now: datetime) -> None:
        """Raises ``ConfigRefused`` (certificate-expired) unless the certificate is valid at ``now``."""
        if self.certificate is not None:
            require_current(name, self.certificate, now)


def files_by_name(directory: Path) -> dict[str, dict[str, Path]]:
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(directory.iterdir()):
        for suffix in SUFFIXES:
            if path.name.endswith(suffix) and path.is_file():
                found.setdefault(path.name.removesuffix(suffix), {})[suffix] = path
    return found


def environment_entries(environment: Mapping[str, str]) -> dict[str, Entry]:
    """The secrets that the environment gives, by name."""
    return {
        variable.removeprefix(ENVIRONMENT).lower().replace("_", "-"): Entry(
            secret=Secret(value), origin=Origin.ENVIRONMENT
        )
        for variable, value in environment.items()
        if variable.startswith(ENVIRONMENT) and value
    }


def read_entry(files: Mapping[str, Path], secret_of: Callable[[str], Secret[str]]) -> Entry:
    """Read the files of one name; ``secret_of`` finds a passphrase or PIN by its name. Raises ``ConfigRefused``."""
    _require_one_private(files)
    private, certificates, origin = _private_part(files, secret_of)
    if CERTIFICATE in files:
        certificates = read_certificates(files[CERTIFICATE])
    publics: list[PublicKey] = []
    if PUBLIC in files:
        publics.append(read_public(files[PUBLIC]))
    if certificates:
        publics.append(certificate_key(next(iter(files.values())), certificates[0]))
    if private is not None:
        publics.append(private.public_key())
    _require_one_key(publics, next(iter(files.values())))
    return Entry(
        private=private,
        public=publics[0] if publics else None,
        certificate=certificates[0] if certificates else None,
        chain=tuple(certificates[1:]),
        secret=read_secret(files[SECRET]) if SECRET in files else None,
        origin=origin,
    )


def _private_part(
    files: Mapping[str, Path], secret_of: Callable[[str], Secret[str]]
) -> tuple[PrivateKey | None, list[x509.Certificate], Origin]:
    if PKCS12 in files:
        path = files[PKCS12]
        private, certificates = read_pkcs12(path, secret_of(path.name))
        return private, certificates, Origin.PKCS12
    if SLOT in files:
        return open_slot_key(files[SLOT], secret_of), [], Origin.SLOT
    return (read_private(files[KEY]) if KEY in files else None), [], Origin.FILE


def _require_one_private(files: Mapping[str, Path]) -> None:
    """Two places for one private key would leave open which of them counts."""
    found = [files[suffix] for suffix in _PRIVATE if suffix in files]
    if len(found) > 1 or (PKCS12 in files and CERTIFICATE in files):
        raise ConfigRefused(
            f"{found[0].name} is not the only file that holds this key or certificate",
            code="key-twice",
            hint="keep one of key file, PKCS#12 and slot address under one name",
        )


def _require_one_key(publics: Iterable[PublicKey], path: Path) -> None:
    if len({spki(key) for key in publics}) > 1:
        raise ConfigRefused(
            f"{path.name} and the files of the same name belong to different keys",
            code="key-mismatch",
            hint="put the key, its public key and its certificate of one pair under one name",
        )
