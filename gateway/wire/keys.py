"""The key ring: every key, certificate and secret of this process, by name, checked when it is loaded.

Names are those of the files of one directory (``entries.py``); a role of ``rotation.toml`` is a name whose file may change.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.entries import (
    CERTIFICATE,
    KEY,
    PUBLIC,
    SECRET,
    SUFFIXES,
    Entry,
    Origin,
    environment_entries,
    files_by_name,
    read_entry,
)
from gateway.wire.httpsig_keys import RequestKey
from gateway.wire.keyfiles import PrivateKey, PublicKey, read_secret
from gateway.wire.memory_files import key_in_memory
from gateway.wire.rotation import Accepted, Role, read_roles
from gateway.wire.sm2 import Sm2PrivateKey, Sm2PublicKey

__all__ = ["CERTIFICATE", "KEY", "PUBLIC", "SECRET", "SUFFIXES", "VAULT_KEY_BYTES", "Entry", "KeyRing"]

VAULT_KEY_BYTES = 32


class KeyRing:
    """Keys by name. Asking for what is not there, or not usable, raises ``ConfigRefused``."""

    def __init__(
        self,
        directory: Path,
        entries: Mapping[str, Entry],
        refusals: Mapping[str, ConfigRefused],
        roles: Mapping[str, Role],
        chosen: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.refusals = refusals
        """Names whose files are wrong, with the reason; filled only when loaded with ``isolate``."""
        self.roles = roles
        self.entries = entries
        self._chosen = {name: role.use for name, role in roles.items()} | dict(chosen or {})

    @classmethod
    def from_directory(
        cls,
        directory: Path,
        now: datetime | None = None,
        *,
        isolate: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> "KeyRing":
        """Load and check every key. ``now`` (aware) judges the certificates; ``environment`` is the process's own.

        Raises ``ConfigRefused`` at the first wrong key. With ``isolate`` a wrong key refuses only its own name when it
        is asked for, so that one partner's expired certificate does not stop the others.
        """
        if not directory.is_dir():
            raise ConfigRefused(
                "the key directory does not exist", code="key-missing", hint="create it or mend the path"
            )
        reading = _Reading(directory, os.environ if environment is None else environment, isolate)
        reading.run(now or datetime.now(UTC))
        return cls(directory, reading.entries, reading.refusals, read_roles(directory))

    def using(self, chosen: Mapping[str, str], more: Mapping[str, Entry] | None = None) -> "KeyRing":
        """The same ring where a role means another name, and with ``more`` entries in place of its own."""
        return KeyRing(self.directory, {**self.entries, **(more or {})}, self.refusals, self.roles, chosen)

    def become(self, fresh: "KeyRing") -> tuple[str, ...]:
        """Take over ``fresh`` in one step, for everybody who holds this ring. A name whose files can't be used any more keeps
        what it had, unless it had nothing; those names.
        """
        kept = tuple(name for name in fresh.refusals if name in self.entries and name not in self.refusals)
        self.entries = {**fresh.entries, **{name: self.entries[name] for name in kept}}
        self.refusals = {name: refused for name, refused in fresh.refusals.items() if name not in kept}
        self.roles, self._chosen = fresh.roles, fresh._chosen
        return kept

    def name_of(self, role: str) -> str:
        """The name that a role stands for now; a name that is no role stands for itself."""
        return self._chosen.get(role, role)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.entries))

    def accepted(self, role: str) -> tuple[Accepted, ...]:
        """The keys that count beside the one in use, each with its days. One that is wrong or gone does not count."""
        listed = self.roles[role].also if role in self.roles else ()
        return tuple(one for one in listed if one.name in self.entries and one.name not in self.refusals)

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
        """A vault's master key: 32 bytes, written as 64 hex digits. Records name it, so no role changes what it means."""
        try:
            key = Secret(bytes.fromhex(self.using({name: name}).secret(name).expose()))
        except ValueError:
            key = Secret(b"")
        if len(key.expose()) != VAULT_KEY_BYTES:
            raise ConfigRefused(
                f"{name}{SECRET} is no vault key", code="key-form", hint="write 64 hex digits (openssl rand -hex 32)"
            )
        return key

    def alternatives(self, role: str) -> tuple[str, ...]:
        """The key ids under which a signer of ``role`` may come: of the key in use and of those beside it."""
        return (self.name_of(role), *(one.name for one in self.accepted(role)))

    def counts(self, role: str, name: str, now: datetime) -> bool:
        """Whether ``name``'s key counts for ``role`` on the civil day of ``now`` in China."""
        if name == self._chosen.get(role, role):
            return True
        day = now.astimezone(SHANGHAI).date()
        return any(one.name == name and one.counts(day) for one in self.accepted(role))

    def verification_key(self, name: str) -> RequestKey:
        """The key that checks a hospital's signed requests under the id ``name``: its public key, else its shared secret."""
        found = self.itself(name)
        if found.public is not None:
            return RequestKey(name, found.public)
        if found.secret is None:
            raise _absent(name, SECRET)
        return RequestKey(name, Secret(found.secret.expose().encode()))

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
        """Days until each certificate, or the first of its chain, ends: what the metrics show. Refused ones count too."""
        now = datetime.now(UTC)
        return {name: (entry.ends - now).days for name, entry in self.entries.items() if entry.ends is not None}

    def tls_files(self, name: str) -> tuple[Path, Path]:
        """Certificate and key file of a TLS identity whose key is a PEM file."""
        self.certificate(name), self.private(name)
        stem = self.name_of(name)
        return self.directory / f"{stem}{CERTIFICATE}", self.directory / f"{stem}{KEY}"

    @contextmanager
    def tls_identity(self, name: str) -> Iterator[tuple[Path, Path]]:
        """The same for any key, while the context lasts: what a PKCS#12 file holds is offered in memory.

        Raises ``ConfigRefused`` (key-slot) for a key that stays in a slot.
        """
        self.certificate(name)
        entry = self._entry(name)
        if entry.origin is Origin.FILE:
            yield self.tls_files(name)
        else:
            with key_in_memory(self.private(name), entry.certificates) as file:
                yield file, file

    def certificate_file(self, name: str) -> Path:
        self.certificate(name)
        return self.directory / f"{self.name_of(name)}{CERTIFICATE}"

    def entry(self, role: str) -> Entry:
        """All of it. Raises ``ConfigRefused`` when there is nothing under this name, or something wrong."""
        found = self._entry(role)
        if found is _NOTHING:
            raise ConfigRefused(
                f"the key ring holds no {self.name_of(role)}",
                code="key-missing",
                hint="lianpei keys list shows what there is",
            )
        return found

    def itself(self, name: str) -> Entry:
        """What is under this very name, whatever a role of that name stands for; empty when nothing is."""
        if name in self.refusals:
            raise self.refusals[name]
        return self.entries.get(name, _NOTHING)

    def _entry(self, role: str) -> Entry:
        return self.itself(self.name_of(role))


_NOTHING = Entry()


class _Reading:
    """Reads a directory once. Passphrases and PINs are looked up while keys are read."""

    def __init__(self, directory: Path, environment: Mapping[str, str], isolate: bool) -> None:
        self._files = files_by_name(directory)
        self._isolate = isolate
        self._given = environment_entries(environment)
        self.entries: dict[str, Entry] = dict(self._given)
        self.refusals: dict[str, ConfigRefused] = {}

    def run(self, now: datetime) -> None:
        for name in self._files:
            try:
                self._read(name, now)
            except ConfigRefused as refusal:
                # The frames below hold what they read; a dump of their variables must not tell it.
                self.refusals[name] = refusal.with_traceback(None)
                if not self._isolate:
                    raise self.refusals[name] from None

    def _read(self, name: str, now: datetime) -> None:
        if name in self._given:
            raise ConfigRefused(
                f"{name} is given by a file and by the environment", code="key-twice", hint="keep one of them"
            )
        self.entries[name] = entry = read_entry(self._files[name], self._secret)
        entry.require_current(name, now)

    def _secret(self, name: str) -> Secret[str]:
        given = self._given.get(name.replace(".", "-"))  # a variable's name can hold no point
        if given is not None and given.secret is not None:
            return given.secret
        if SECRET not in self._files.get(name, {}):
            raise _absent(name, SECRET)
        return read_secret(self._files[name][SECRET])


def _absent(name: str, suffix: str) -> ConfigRefused:
    return ConfigRefused(
        f"the key ring holds no {name}{suffix}", code="key-missing", hint="put the file into the key directory"
    )


def _wrong_kind(name: str, kind: str) -> ConfigRefused:
    return ConfigRefused(f"{name} is no {kind} key", code="key-kind", hint=f"give an {kind} key under this name")
