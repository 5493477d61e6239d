"""Finds out whether an insurer to which nothing is sent any more is back: by a status enquiry, never by an act of money."""

import asyncio
from dataclasses import dataclass

from gateway.claims.conversation.budget import RESUMED_S, Budget
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.enquiry import ask
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.plan import Step
from gateway.claims.ledger import record_of
from gateway.claims.partners.partner import Partner
from gateway.kernel.errors import LianpeiError, NotNow, NotSent
from gateway.store.api import Row
from gateway.telemetry.logs import get_logger

_log = get_logger("lianpei.lanes")
_EVERY_S = 1.0


@dataclass(slots=True)
class Prober:
    engine: Engine

    async def run(self) -> None:
        """For ever, each insurer by itself: one that hangs keeps no other waiting."""
        probing: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for partner in self.engine.registry:
                    if partner.lane.wants_probe and partner.code not in probing:
                        probing[partner.code] = asyncio.create_task(self.probe(partner))
                await asyncio.sleep(_EVERY_S)
                probing = {code: task for code, task in probing.items() if not task.done()}
        finally:
            for task in probing.values():
                task.cancel()

    async def probe(self, partner: Partner) -> None:
        """Ask about the claim whose act was lost last; who can't be asked about it is only connected to."""
        try:
            if not await self._enquire(partner):
                await partner.client.reach()
                partner.lane.heard(good=True)
        except NotSent:
            partner.lane.heard(good=False)
        except LianpeiError as bad:
            _log.event("probe-failed", insurer=partner.code, code=bad.error_code)
            partner.lane.heard(good=False)

    async def _enquire(self, partner: Partner) -> bool:
        """Whether an enquiry was made; what it found tells the lane, and nothing of the claim changes by it."""
        claim_id = partner.lane.last_lost
        try:
            act = await self.engine.ledger.read(self._act, partner, claim_id) if claim_id else None
            if act is None:
                return False
            await self._ask(partner, act)
        except NotNow:
            return True  # somebody else's enquiry is under way
        except LianpeiError as bad:
            _log.event("probe-without-enquiry", insurer=partner.code, code=bad.error_code)
            return False
        return True

    async def _ask(self, partner: Partner, act: Row) -> None:
        clock, ledger = self.engine.clock, self.engine.ledger
        bill = await ledger.read(ledger.load_bill, act["order_id"])
        assert bill is not None
        claim = next(one for one in bill.claims if one.claim_id == act["claim_id"])
        work = ledger.work()
        await work.safe.turn_to(bill.order_id, ledger.read)
        step = Step(act["name"], partner.manifest.rule(act["name"]))
        errand = Errand(bill, claim, partner, step, work, Budget(clock.monotonic() + RESUMED_S, clock))
        await ask(errand, record_of(act), clock, alone=True)
        await work.flush()

    def _act(self, partner: Partner, claim_id: str) -> Row | None:
        """The newest act of the claim that can be asked about."""
        acts = self.engine.ledger.act_rows(claim_id)
        askable = [act for act in acts if partner.manifest.rule(act["name"]).status]
        return askable[-1] if askable else None
