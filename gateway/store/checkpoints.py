"""Signed checkpoints over the hash chain: a Merkle root over the links since the one before, and that one's digest.

The signed bytes are ``Body.spelt``, Ed25519 over exactly them. Whoever keeps one checkpoint elsewhere can hold the
whole chain up to it against the database, so the digest of each goes into the log.
"""

import asyncio
import base64
from contextlib import suppress
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.kernel import merkle
from gateway.kernel.clock import Clock
from gateway.kernel.errors import ConfigRefused
from gateway.store.api import AnyStore, Row
from gateway.store.chain import FIRST_LINK
from gateway.store.errors import Duplicate
from gateway.store.unit import Unit

MOST_ENTRIES = 512
"""Entries under one checkpoint: a few ms of work at a time, and a proof of at most nine digests."""


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a checkpoint says, in the order in which it is written."""

    at: int
    """Epoch ms."""
    first: int
    key: str
    """Name of the signing key."""
    last: int
    number: int
    previous: str
    """SHA-256 of the body before, or zeros."""
    root: str

    def spelt(self) -> bytes:
        """The exact bytes that are signed."""
        return msgspec.json.encode(self)

    def digest(self) -> str:
        return merkle.digest(self.spelt())


class Checkpoints:
    """Makes them. ``key`` must be Ed25519, else ``ConfigRefused``."""

    def __init__(self, store: AnyStore, key_id: str, key: object, clock: Clock) -> None:
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigRefused("the audit's signing key is not Ed25519", code="audit-key", hint="See docs/audit.md.")
        self.key_id = key_id
        self.newest: Body | None = None
        """The newest one signed by this process."""
        self._store = store
        self._key = key
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def sign_new(self) -> int:
        """Put everything that is in the chain now under checkpoints; how many were made."""
        made = 0
        async with self._one_at_a_time:
            with suppress(Duplicate):  # another process signed them
                while await self._sign_next():
                    made += 1
        return made

    async def _sign_next(self) -> bool:
        before = await self._store.read(newest, self._store)
        reached = before["last_seq"] if before else 0
        entries = await self._store.read(self._store.find, "chain", {}, limit=MOST_ENTRIES, after=(reached,))
        if not entries:
            return False
        body = Body(
            at=self._clock.epoch_ms(),
            first=reached + 1,
            key=self.key_id,
            last=entries[-1]["seq"],
            number=before["number"] + 1 if before else 1,
            previous=merkle.digest(before["body"].encode()) if before else FIRST_LINK,
            root=merkle.root([entry["link"] for entry in entries]),
        )
        spelt = body.spelt()
        signature = base64.b64encode(self._key.sign(spelt)).decode()
        seqs = {"first_seq": body.first, "last_seq": body.last}
        row: dict[str, Any] = {"number": body.number, "body": spelt.decode(), "signature": signature, **seqs}
        await self._store.commit(Unit().insert("checkpoint", key_id=self.key_id, **row))
        self.newest = body
        return True


def newest(store: AnyStore) -> Row | None:
    found = store.find("checkpoint", {}, order_by="-number", limit=1)
    return found[0] if found else None


def unsigned(store: AnyStore, now_ms: int) -> tuple[int, float]:
    """How many entries are under no checkpoint yet, and the age of the oldest of them in seconds."""
    before, last = newest(store), store.find("chain", {}, order_by="-seq", limit=1)
    reached = before["last_seq"] if before else 0
    if not last or last[0]["seq"] <= reached:
        return 0, 0.0
    oldest = store.find("chain", {}, limit=1, after=(reached,))
    return last[0]["seq"] - reached, max(0.0, (now_ms - oldest[0]["at"]) / 1000)
