"""The key ring: every key, certificate and secret of this process, by name, checked when it is loaded.

A directory holds ``<name>.key.pem`` (PKCS#8), ``<name>.pub.pem``, ``<name>.cert.pem`` and ``<name>.secret``;
other files are left alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.httpsig_keys import RequestKey
from gateway.wire.keyfiles import (
    PrivateKey,
    PublicKey,
    certificate_key,
    read_certificate,
    read_private,
    read_public,
    read_secret,
    spki,
)
from gateway.wire.sm2 import Sm2PrivateKey, Sm2PublicKey

KEY, PUBLIC, CERTIFICATE, SECRET = ".key.pem", ".pub.pem", ".cert.pem", ".secret"
SUFFIXES = (KEY, PUBLIC, CERTIFICATE, SECRET)
VAULT_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ring holds under one name."""

    private: PrivateKey | None = None
    public: PublicKey | None = None
    certificate: x509.Certificate | None = None
    secret: Secret[str] | None = None


class KeyRing:
    """Keys by name. Asking for what is not there, or not usable, raises ``ConfigRefused``."""

    def __init__(self, directory: Path, entries: Mapping[str, Entry], refusals: Mapping[str, ConfigRefused]) -> None:
        self.directory = directory
        self.refusals = refusals
        """Names whose files are wrong, with the reason; filled only when loaded with ``isolate``."""
        self._entries = entries

    @classmethod
    def from_directory(cls, directory: Path, now: datetime | None = None, *, isolate: bool = False) -> "KeyRing":
        """Load and check every key. ``now`` (aware) judges the certificates.

        Raises ``ConfigRefused`` at the first wrong key. With ``isolate`` a wrong key refuses only its own name when it
        is asked for, so that one partner's expired certificate does not stop the others.
        """
        if not directory.is_dir():
            raise ConfigRefused(
                "the key directory does not exist", code="key-missing", hint="create it or mend the path"
            )
        entries, refusals = {}, {}
        for name, files in _files_by_name(directory).items():
            try:
                entries[name] = _read_entry(files, now or datetime.now(UTC))
            except ConfigRefused as refusal:
                if not isolate:
                    raise
                refusals[name] = refusal
        return cls(directory, entries, refusals)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._entries))

    def private(self, name: str) -> PrivateKey:
        key = self._entry(name).private
        if key is None:
            raise _absent(name, KEY)
        return key

    def public(self, name: str) -> PublicKey:
        """From the public key file, the certificate or the private key, whichever is there."""
        key = self._entry(name).public
        if key is None:
            raise _absent(name, PUBLIC)
        return key

    def certificate(self, name: str) -> x509.Certificate:
        certificate = self._entry(name).certificate
        if certificate is None:
            raise _absent(name, CERTIFICATE)
        return certificate

    def secret(self, name: str) -> Secret[str]:
        secret = self._entry(name).secret
        if secret is None:
            raise _absent(name, SECRET)
        return secret

    def secret_bytes(self, name: str) -> Secret[bytes]:
        """The secret's text as UTF-8 bytes: how HMAC keys are used."""
        return Secret(self.secret(name).expose().encode())

    def vault_key(self, name: str) -> Secret[bytes]:
        """A vault's master key: 32 bytes, written as 64 hex digits."""
        try:
            key = bytes.fromhex(self.secret(name).expose())
        except ValueError:
            key = b""
        if len(key) != VAULT_KEY_BYTES:
            raise ConfigRefused(
                f"{name}{SECRET} is no vault key", code="key-form", hint="write 64 hex digits (openssl rand -hex 32)"
            )
        return Secret(key)

    def verification_key(self, name: str) -> RequestKey:
        """The key that checks a hospital's signed requests: its public key, else its shared secret."""
        public = self._entry(name).public
        return RequestKey(name, public if public is not None else self.secret_bytes(name))

    def rsa_private(self, name: str) -> rsa.RSAPrivateKey:
        key = self.private(name)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise _wrong_kind(name, "RSA")
        return key

    def rsa_public(self, name: str) -> rsa.RSAPublicKey:
        key = self.public(name)
        if not isinstance(key, rsa.RSAPublicKey):
            raise _wrong_kind(name, "RSA")
        return key

    def sm2_private(self, name: str) -> Sm2PrivateKey:
        key = self.private(name)
        if not isinstance(key, Sm2PrivateKey):
            raise _wrong_kind(name, "SM2")
        return key

    def sm2_public(self, name: str) -> Sm2PublicKey:
        key = self.public(name)
        if not isinstance(key, Sm2PublicKey):
            raise _wrong_kind(name, "SM2")
        return key

    def days_left(self, name: str, now: datetime | None = None) -> int:
        """Whole days until the certificate ``name`` expires; negative once it has."""
        return (self.certificate(name).not_valid_after_utc - (now or datetime.now(UTC))).days

    def certificate_days(self) -> dict[str, float]:
        """``days_left`` of every certificate by name: what the metrics show."""
        return {name: self.days_left(name) for name, entry in self._entries.items() if entry.certificate is not None}

    def tls_files(self, name: str) -> tuple[Path, Path]:
        """Certificate and key file of a TLS identity, which the TLS library reads by path."""
        self.certificate(name), self.private(name)
        return self.directory / f"{name}{CERTIFICATE}", self.directory / f"{name}{KEY}"

    def certificate_file(self, name: str) -> Path:
        self.certificate(name)
        return self.directory / f"{name}{CERTIFICATE}"

    def _entry(self, name: str) -> Entry:
        if name in self.refusals:
            raise self.refusals[name]
        return self._entries.get(name, Entry())


def _files_by_name(directory: Path) -> dict[str, dict[str, Path]]:
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(directory.iterdir()):
        for suffix in SUFFIXES:
            if path.name.endswith(suffix) and path.is_file():
                found.setdefault(path.name.removesuffix(suffix), {})[suffix] = path
    return found


def _read_entry(files: Mapping[str, Path], now: datetime) -> Entry:
    private = read_private(files[KEY]) if KEY in files else None
    certificate = read_certificate(files[CERTIFICATE], now) if CERTIFICATE in files else None
    publics: list[PublicKey] = []
    if PUBLIC in files:
        publics.append(read_public(files[PUBLIC]))
    if certificate is not None:
        publics.append(certificate_key(files[CERTIFICATE], certificate))
    if private is not None:
        publics.append(private.public_key())
    _require_one_key(publics, next(iter(files.values())))
    return Entry(
        private=private,
        public=publics[0] if publics else None,
        certificate=certificate,
        secret=read_secret(files[SECRET]) if SECRET in files else None,
    )


def _require_one_key(publics: Iterable[PublicKey], path: Path) -> None:
    if len({spki(key) for key in publics}) > 1:
        raise ConfigRefused(
            f"{path.name} and the files of the same name belong to different keys",
            code="key-mismatch",
            hint="put the key, its public key and its certificate of one pair under one name",
        )


def _absent(name: str, suffix: str) -> ConfigRefused:
    return ConfigRefused(
        f"the key ring holds no {name}{suffix}", code="key-missing", hint="put the file into the key directory"
    )


def _wrong_kind(name: str, kind: str) -> ConfigRefused:
    return ConfigRefused(f"{name} is no {kind} key", code="key-kind", hint=f"give an {kind} key under this name")
