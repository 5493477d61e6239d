"""Fetches results from partners that are polled: list, fetch, store durably, then confirm; a crash in between fetches again."""

import asyncio
import hashlib
from dataclasses import dataclass

from gateway.claims.canonical.dispatch import ActResult, CorrelatedResult
from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.partners.dispatching import operational_dispatch
from gateway.claims.partners.manifest import CollectRule
from gateway.claims.partners.partner import Partner, Reply
from gateway.kernel.errors import LianpeiError, NotFound
from gateway.kernel.spans import seconds
from gateway.telemetry.logs import get_logger

_log = get_logger("lianpei.collector")


@dataclass(slots=True)
class Collector:
    partner: Partner
    callbacks: Callbacks

    async def run(self) -> None:
        """Poll for ever, only while a claim of this partner is open."""
        rule = self.partner.manifest.collect
        assert rule is not None
        while True:
            await asyncio.sleep(seconds(rule.every))
            try:
                if await self._anything_open():
                    await self.round(rule)
            except LianpeiError as bad:
                _log.event("collect-failed", insurer=self.partner.code, code=bad.error_code)

    async def _anything_open(self) -> bool:
        """A claim of this partner that has no result yet, a person's included: its result may still come."""
        store = self.callbacks.engine.ledger.store
        return bool(await store.read(store.find, "waiting", {"insurer": self.partner.code}, limit=1))

    async def round(self, rule: CollectRule) -> int:
        """One pass; returns how many documents were taken. One that can't be read stays there and stops no other."""
        listed = await self._act(rule.list, {})
        taken = 0
        for item in listed.result.items:
            try:
                taken += await self._take(rule, item)
            except LianpeiError as bad:
                _log.event("collected-unread", insurer=self.partner.code, code=bad.error_code)
        return taken

    async def _take(self, rule: CollectRule, item: str) -> bool:
        document = await self._act(rule.fetch, {"item": item})
        if document.result.state != "accepted":
            _log.event("collected-unread", insurer=self.partner.code, code="document-not-accepted")
            return False
        for one in document.result.results:
            await self._settle(one, document)
        await self._act(rule.done, {"item": item})
        return True

    async def _act(self, name: str, refs: dict[str, str]) -> Reply:
        dispatch = operational_dispatch(name, self.callbacks.engine.clock.now(), refs)
        return await self.partner.exchange(self.partner.prepare(dispatch), dispatch)

    async def _settle(self, one: CorrelatedResult, document: Reply) -> None:
        result = ActResult(
            state=one.state,
            verdict=one.verdict,
            approved=one.approved,
            peer_code=one.peer_code,
            insurer_ref=one.insurer_ref,
            refs=one.refs,
        )
        work = self.callbacks.engine.ledger.work()
        try:
            await self.callbacks.settle(self.partner, one.correlation, self.partner.judged(result), document.raw, work)
        except (
            NotFound
        ) as bad:  # nobody waits for it: evidence; a result that could not be stored must not be confirmed
            digest = hashlib.sha256(document.raw).hexdigest()[:16]
            _log.event("collected-unmatched", insurer=self.partner.code, code=bad.error_code, digest=digest)
