"""Records sealed at rest: zstd, then AES-256-GCM under a key of their own, which is wrapped under a named master key.

A key per record makes changing the master key cheap (60 bytes are wrapped anew, not the payload) and erasing certain:
without the wrapped key the rest is noise. What is authenticated besides the bytes (version, master key id, kind,
record id) ties a sealed record to its row, so that whoever can write the file can't swap two rows.

Layout in bytes: version 1, flags 1, length of key id 1, key id, nonce 12, wrapped key 48, nonce 12, sealed with tag.
Master keys are wrapped with random nonces, so one of them serves fewer than 2³² records; change it long before.
"""

import struct
import threading
from collections.abc import Mapping
from typing import NamedTuple

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.kernel.entropy import take
from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.store.errors import VaultRefused

_VERSION = 1
_PACKED = 1
_LEVEL = 3
_NONCE, _KEY, _WRAPPED = 12, 32, 48
_MIN_PACKED = 64
"""Shorter records are not compressed: nothing is gained and the length would tell about the content."""
MAX_RECORD = 64 * 1024 * 1024


class _Packers(threading.local):
    """zstd contexts are costly to make and not safe to share between threads."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(level=_LEVEL).compress
        self.unpack = zstandard.ZstdDecompressor().decompress


class _Parts(NamedTuple):
    flags: int
    key_id: str
    wrap_nonce: bytes
    wrapped: bytes
    rest: bytes
    """Nonce, sealed bytes and tag."""


class Vault:
    """Seals and opens records. ``master_keys`` are 32 bytes each by id; ``current`` names the one that new records use.

    Raises ``ConfigRefused`` if ``current`` is not among them or a key or id has the wrong length. Threads may share it.
    """

    def __init__(self, master_keys: Mapping[str, Secret[bytes]], current: str) -> None:
        for key_id, key in master_keys.items():
            if len(key.expose()) != _KEY or not 1 <= len(key_id.encode()) <= 64:
                raise ConfigRefused("a vault master key is 32 bytes under an id of 1 to 64", code="vault-key")
        if current not in master_keys:
            raise ConfigRefused("the current vault master key is not configured", code="vault-key")
        self._masters = {key_id: AESGCM(key.expose()) for key_id, key in master_keys.items()}
        self._current = current
        self._packers = _Packers()

    def seal(self, record_id: str, data: bytes, kind: str) -> bytes:
        """Bytes that only ``open`` with the same ``record_id`` and ``kind`` turns back into ``data`` (up to 64 MiB)."""
        if len(data) > MAX_RECORD:
            raise VaultRefused("a record is larger than the vault takes", code="vault-size")
        flags = _PACKED if len(data) >= _MIN_PACKED else 0
        packed = self._packers.pack(data) if flags else data
        fresh = take(_KEY + _NONCE + _NONCE)
        key, wrap_nonce, nonce = fresh[:_KEY], fresh[_KEY:-_NONCE], fresh[-_NONCE:]
        wrapped = self._wrap(self._current, wrap_nonce, key, flags, kind, record_id)
        sealed = AESGCM(key).encrypt(nonce, packed, _bound(b"record", flags, "", kind, record_id))
        return _head(flags, self._current) + wrap_nonce + wrapped + nonce + sealed

    def open(self, record_id: str, blob: bytes, kind: str) -> bytes:
        """What was sealed. Raises ``VaultRefused``: ``vault-tampered`` or ``vault-key-unknown``."""
        parts = _split(blob)
        key = self._unwrap(parts, kind, record_id)
        bound = _bound(b"record", parts.flags, "", kind, record_id)
        try:
            packed = AESGCM(key).decrypt(parts.rest[:_NONCE], parts.rest[_NONCE:], bound)
        except (InvalidTag, ValueError):
            raise _tampered() from None
        return self._packers.unpack(packed, max_output_size=MAX_RECORD) if parts.flags & _PACKED else packed

    def rewrap(self, record_id: str, blob: bytes, kind: str) -> bytes:
        """The same record under the current master key; its payload is not opened. Needs the old master key."""
        parts = _split(blob)
        key = self._unwrap(parts, kind, record_id)
        nonce = take(_NONCE)
        wrapped = self._wrap(self._current, nonce, key, parts.flags, kind, record_id)
        return _head(parts.flags, self._current) + nonce + wrapped + parts.rest

    def key_id(self, blob: bytes) -> str:
        """Which master key a sealed record needs: a master key may go when no record names it any more."""
        return _split(blob).key_id

    def _wrap(self, key_id: str, nonce: bytes, key: bytes, flags: int, kind: str, record_id: str) -> bytes:
        return self._masters[key_id].encrypt(nonce, key, _bound(b"key", flags, key_id, kind, record_id))

    def _unwrap(self, parts: _Parts, kind: str, record_id: str) -> bytes:
        master = self._masters.get(parts.key_id)
        if master is None:
            raise VaultRefused(
                "a record's master key is not configured",
                code="vault-key-unknown",
                hint="Configure the master key that the record names until every record has been rewrapped.",
            )
        try:
            return master.decrypt(
                parts.wrap_nonce, parts.wrapped, _bound(b"key", parts.flags, parts.key_id, kind, record_id)
            )
        except (InvalidTag, ValueError):
            raise _tampered() from None


_SIZES = struct.Struct(">HBBHHH")


def _head(flags: int, key_id: str) -> bytes:
    spelt = key_id.encode()
    return bytes((_VERSION, flags, len(spelt))) + spelt


def _split(blob: bytes) -> _Parts:
    if len(blob) < 3 or blob[0] != _VERSION:
        raise _tampered()
    start = 3 + blob[2]
    nonce_end, wrapped_end = start + _NONCE, start + _NONCE + _WRAPPED
    try:
        key_id = blob[3:start].decode()
    except UnicodeDecodeError:
        raise _tampered() from None
    return _Parts(blob[1], key_id, blob[start:nonce_end], blob[nonce_end:wrapped_end], blob[wrapped_end:])


def _bound(purpose: bytes, flags: int, key_id: str, kind: str, record_id: str) -> bytes:
    """Each part with its length before it, so that no two different sets of parts spell the same bytes."""
    key, sort, record = key_id.encode(), kind.encode(), record_id.encode()
    sizes = _SIZES.pack(len(purpose), _VERSION, flags, len(key), len(sort), len(record))
    return b"".join((sizes, purpose, key, sort, record))


def _tampered() -> VaultRefused:
    return VaultRefused(
        "a sealed record is not what was written for this row",
        code="vault-tampered",
        hint="Treat the database as touched from outside: stop, keep it, compare it with the last good copy.",
    )
