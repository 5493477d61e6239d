"""Acts after a decision (invoice push, acceptance): best effort, taken up again after a restart."""

from dataclasses import dataclass, field

from gateway.claims.bill import ActRecord, Bill, ClaimRun
from gateway.claims.consents.withdrawals import Withdrawals
from gateway.claims.conversation.budget import Budget
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.plan import Step, plan
from gateway.claims.conversation.states import ClaimState
from gateway.claims.ledger import Ledger, record_of
from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.claims.work import Work
from gateway.kernel.clock import Clock
from gateway.kernel.errors import MessageRefused, NotSent
from gateway.telemetry.logs import get_logger

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_DECIDED = ClaimState.DECIDED

_log = get_logger("lianpei.conversation")
_BUDGET_S = 10.0


@dataclass(slots=True)
class Aftermath:
    ledger: Ledger
    registry: Registry
    courier: Courier
    clock: Clock
    withdrawals: Withdrawals = field(default_factory=Withdrawals)

    def due(self, bill: Bill) -> list[ClaimRun]:
        """A claim that was decided here has an alarm if acts are left; of a loaded one only the plan can tell."""
        return [
            claim
            for claim in bill.claims
            if claim.state is _DECIDED and claim.approved and (bill.resumed or claim.next_at)
        ]

    async def work(self, bill: Bill, due: list[ClaimRun], work: Work) -> None:
        for claim in due:
            partner = self.registry.get(claim.insurer)
            if partner is None:
                continue
            steps = plan(partner.manifest, bill.kind_of(claim), bill.submission)
            if self.withdrawals.cover(bill):
                claim.step, claim.dirty = len(steps), claim.dirty or claim.step < len(steps)
            if claim.step < len(steps):
                await self._take(bill, claim, partner, steps[claim.step :], work)
            claim.next_at = 0
        await work.flush(bill)

    async def _take(self, bill: Bill, claim: ClaimRun, partner: Partner, steps: tuple[Step, ...], work: Work) -> None:
        budget = Budget(self.clock.monotonic() + _BUDGET_S, self.clock)
        for step in steps:
            errand = Errand(bill, claim, partner, step, work, budget)
            if bill.resumed:
                errand.act = await act_of(self.ledger, claim, step)
            try:
                await self.courier.carry_out(errand)
            except (NotSent, MessageRefused) as bad:
                _log.event("after-act-failed", order_id=bill.order_id, insurer=claim.insurer, code=bad.error_code)
            claim.step += 1
            claim.dirty = True


async def act_of(ledger: Ledger, claim: ClaimRun, step: Step) -> ActRecord | None:
    """The act that carries this step, if a bill that was loaded has one."""
    rows = await ledger.read(ledger.act_rows, claim.claim_id)
    mine = [row for row in rows if row["name"] == step.act and row["batch_no"] == step.batch_no]
    return record_of(mine[-1]) if mine and not (claim.afresh and step.rule.role == "quote") else None
