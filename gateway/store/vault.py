"""Records sealed at rest: zstd, then AES-256-GCM under a key of their own, derived from their bill's data key.

A bill has one random data key, wrapped under a named master key and kept in one row (``data_keys``). A record's key is
HMAC-SHA256 of the data key over the record's kind and id (HKDF-Expand with one block, RFC 5869). So a sealed record
opens in its own row only, a new master key touches one small row per bill, and a bill whose data key is destroyed is
noise from then on, whoever has a copy.

Layout of a sealed record in bytes: version 2, flags 1, nonce 12, sealed with tag.
Layout of a wrapped key: nonce 12, key and tag 48, in base64. Master keys wrap with random nonces: one serves fewer than
2³² bills.
"""

import base64
import threading
from collections.abc import Mapping
from typing import NamedTuple

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from gateway.kernel.entropy import take
from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.store.errors import VaultRefused

_VERSION = 2
_PACKED = 1
_LEVEL = 1
"""Level 1 packs a bill as small as level 3 does (30 %) in two thirds of the time, which is most of what sealing costs."""
_SMALL = 16 * 1024
_SMALL_TABLES = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=14, hash_log=11)
"""For up to 16 KiB, most records: 8 KiB of tables instead of 64. They pack as small and leave the processor's cache alone."""
_NONCE, _KEY = 12, 32
_MIN_PACKED = 1024
"""Shorter records are not compressed: less is gained than it costs, and the length would tell about the content."""
MAX_RECORD = 64 * 1024 * 1024


class WrappedKey(NamedTuple):
    """A data key as its row holds it."""

    master: str
    wrapped: str


class _Packers(threading.local):
    """zstd contexts are costly to make and not safe to share between threads."""

    def __init__(self) -> None:
        self._pack = zstandard.ZstdCompressor(level=_LEVEL).compress
        self._pack_small = zstandard.ZstdCompressor(compression_params=_SMALL_TABLES).compress
        self.unpack = zstandard.ZstdDecompressor().decompress

    def pack(self, data: bytes) -> bytes:
        return self._pack_small(data) if len(data) <= _SMALL else self._pack(data)


_packers = _Packers()


class BillVault:
    """Seals and opens one bill's records under its data key (32 bytes). Threads may share it."""

    __slots__ = ("_mac",)

    def __init__(self, key: bytes) -> None:
        self._mac = HMAC(key, SHA256())

    def seal(self, record_id: str, data: bytes, kind: str) -> bytes:
        """Bytes that only ``open`` with the same ``record_id`` and ``kind`` turns back into ``data`` (up to 64 MiB)."""
        if len(data) > MAX_RECORD:
            raise VaultRefused("a record is larger than the vault takes", code="vault-size")
        packs = len(data) >= _MIN_PACKED
        head, nonce = bytes((_VERSION, _PACKED if packs else 0)), take(_NONCE)
        cipher = AESGCM(_derived(self._mac, _bound(b"record", kind, record_id)))
        sealed = cipher.encrypt(nonce, _packers.pack(data) if packs else data, head)
        return head + nonce + sealed

    def open(self, record_id: str, blob: bytes, kind: str) -> bytes:
        """What was sealed. Raises ``VaultRefused`` (``vault-tampered``)."""
        head, nonce, sealed = blob[:2], blob[2 : 2 + _NONCE], blob[2 + _NONCE :]
        if len(nonce) < _NONCE or head[0] != _VERSION:
            raise _tampered()
        try:
            packed = AESGCM(_derived(self._mac, _bound(b"record", kind, record_id))).decrypt(nonce, sealed, head)
        except (InvalidTag, ValueError):
            raise _tampered() from None
        return _packers.unpack(packed, max_output_size=MAX_RECORD) if head[1] & _PACKED else packed

    def seal_text(self, record_id: str, text: str, kind: str) -> str:
        """``seal`` for a column of text."""
        return base64.b64encode(self.seal(record_id, text.encode(), kind)).decode()

    def open_text(self, record_id: str, sealed: str, kind: str) -> str:
        """What ``seal_text`` was given. Raises ``VaultRefused`` (``vault-tampered``)."""
        try:
            blob = base64.b64decode(sealed, validate=True)
        except ValueError:
            raise _tampered() from None
        return self.open(record_id, blob, kind).decode()

    def secret(self, purpose: str) -> bytes:
        """32 bytes that belong to this bill and purpose and are gone when its data key is."""
        return _derived(self._mac, _bound(b"secret", purpose))


class Vault:
    """Wraps and unwraps data keys. ``master_keys`` are 32 bytes each by id; ``current`` names the one for new bills.

    ``index_key`` (32 bytes) makes the blind index by which a person's bills are found.
    Raises ``ConfigRefused`` if ``current`` is not among them or a key or id has the wrong length.
    """

    def __init__(self, master_keys: Mapping[str, Secret[bytes]], current: str, index_key: Secret[bytes]) -> None:
        for key_id, key in (*master_keys.items(), ("index", index_key)):
            if len(key.expose()) != _KEY or not 1 <= len(key_id.encode()) <= 64:
                raise ConfigRefused("a vault key is 32 bytes under an id of 1 to 64", code="vault-key")
        if current not in master_keys:
            raise ConfigRefused("the current vault master key is not configured", code="vault-key")
        self.current = current
        self._masters = {key_id: AESGCM(key.expose()) for key_id, key in master_keys.items()}
        self._index = HMAC(index_key.expose(), SHA256())

    def new_bill(self, order_id: str) -> tuple[BillVault, WrappedKey]:
        """A fresh data key for one bill, to use and to keep."""
        key = take(_KEY)
        return BillVault(key), self._wrap(order_id, key)

    def bill(self, order_id: str, wrapped: WrappedKey) -> BillVault:
        """The stored data key. Raises ``VaultRefused``: ``vault-tampered`` or ``vault-key-unknown``."""
        return BillVault(self._unwrap(order_id, wrapped))

    def rewrap(self, order_id: str, wrapped: WrappedKey) -> WrappedKey:
        """The same data key under the current master key. Needs the old master key; no record is touched."""
        return self._wrap(order_id, self._unwrap(order_id, wrapped))

    def person(self, cert_no: str) -> str:
        """The blind index of a person: HMAC-SHA256 of the certificate number without blanks, in upper case."""
        spelt = "".join(cert_no.split()).upper().encode()
        return _derived(self._index, b"person" + spelt).hex()

    def blind(self, purpose: str, text: str) -> str:
        """A keyed digest by which equal texts of one purpose are known again, and nothing else is learnt."""
        return _derived(self._index, _bound(b"blind", purpose, text)).hex()

    def invoice(self, code: str, number: str) -> str:
        """The blind index of an invoice: HMAC-SHA256 of its code and number without blanks, in upper case."""
        spelt = _bound(b"invoice", *("".join(word.split()).upper() for word in (code, number)))
        return _derived(self._index, spelt).hex()

    def _wrap(self, order_id: str, key: bytes) -> WrappedKey:
        nonce = take(_NONCE)
        sealed = self._masters[self.current].encrypt(nonce, key, _bound(b"key", self.current, order_id))
        return WrappedKey(self.current, base64.b64encode(nonce + sealed).decode())

    def _unwrap(self, order_id: str, wrapped: WrappedKey) -> bytes:
        master = self._masters.get(wrapped.master)
        if master is None:
            raise VaultRefused(
                "a bill's master key is not configured",
                code="vault-key-unknown",
                hint="Configure the master key that the row names (vault_keys_old) until every bill was rewrapped.",
            )
        try:
            blob = base64.b64decode(wrapped.wrapped, validate=True)
            return master.decrypt(blob[:_NONCE], blob[_NONCE:], _bound(b"key", wrapped.master, order_id))
        except (InvalidTag, ValueError):
            raise _tampered() from None


def _derived(keyed: HMAC, data: bytes) -> bytes:
    """``keyed`` stays as it was: its key is scheduled once for all that is derived from it."""
    one = keyed.copy()
    one.update(data)
    return one.finalize()


def _bound(purpose: bytes, *words: str) -> bytes:
    """Each word with its length (two bytes) before it, so that no two different lists of words spell the same bytes."""
    parts = [b"lianpei-2 ", purpose]
    for word in words:
        spelt = word.encode()
        parts += len(spelt).to_bytes(2, "big"), spelt
    return b"".join(parts)


def _tampered() -> VaultRefused:
    return VaultRefused(
        "a sealed record is not what was written for this row",
        code="vault-tampered",
        hint="Treat the database as touched from outside: stop, keep it, compare it with the last good copy.",
    )
