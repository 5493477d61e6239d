"""The keeper: one person's wish at a time, done by the process that has the database, written into the audit."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.claims.custody.erasure import erase, retain, rewrap
from gateway.claims.custody.export import export
from gateway.claims.custody.recorded import recorded
from gateway.claims.custody.wish import Wish
from gateway.claims.evidence.bundle import make_bundle
from gateway.claims.ledger import Ledger
from gateway.store.checkpoints import Checkpoints, newest
from gateway.wire.keys import KeyRing


class Keeper:
    """``years`` is the retention by class; ``keys`` gives the public keys and certificates that a bundle shows."""

    def __init__(self, ledger: Ledger, checkpoints: Checkpoints, keys: KeyRing, years: Mapping[str, int]) -> None:
        self._ledger = ledger
        self._checkpoints = checkpoints
        self._keys = keys
        self._years = years
        self._one_at_a_time = asyncio.Lock()

    async def perform(self, who: str, wish: Wish) -> dict[str, Any]:
        """The answer as JSON-ready data. ``who`` comes from the operating system, never from the wish.

        Raises ``LianpeiError`` with what to do; then nothing was opened.
        """
        async with self._one_at_a_time:
            answer = await self._done(who, wish)
            await self._checkpoints.sign_new()
            return answer

    async def _done(self, who: str, wish: Wish) -> dict[str, Any]:
        match wish.action:
            case "rewrap":
                return await rewrap(self._ledger, who, wish)
            case "erase":
                return await erase(self._ledger, who, wish)
            case "export":
                return await export(self._ledger, who, wish)
            case "retention":
                return await retain(self._ledger, self._years, who, wish)
            case "evidence":
                return {"bundle": await make_bundle(self._ledger, self._checkpoints, self._keys, who, wish)}
            case "recorded":
                return await recorded(self._ledger, who, wish)
            case "checkpoint":
                await self._checkpoints.sign_new()
                row = await self._ledger.read(newest, self._ledger.store)
                return {"newest": row["body"] if row else ""}
