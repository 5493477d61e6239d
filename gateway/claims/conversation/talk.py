"""One claim's conversation with its insurer, step by step, until it has its final word or must rest."""

from dataclasses import dataclass, field

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.consents.withdrawals import Withdrawals
from gateway.claims.conversation.aftermath import act_of
from gateway.claims.conversation.budget import RESUMED_S, Budget
from gateway.claims.conversation.counter import Counter
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.enquiry import UNREAD
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.gaps import why_not
from gateway.claims.conversation.judge import Judgement, Verdict, judge
from gateway.claims.conversation.material import Material
from gateway.claims.conversation.plan import plan
from gateway.claims.conversation.policies import listed
from gateway.claims.conversation.setting_aside import keep_context
from gateway.claims.conversation.states import ClaimEvent, ClaimState
from gateway.claims.conversation.storing import keep, told
from gateway.claims.conversation.turn import Turn, went_out
from gateway.claims.conversation.unanswered import Unanswered
from gateway.claims.conversation.uploads import uploaded_again
from gateway.claims.conversation.withdrawn import withdrawn
from gateway.claims.ledger import Ledger
from gateway.claims.partners.partner import UNLISTED
from gateway.claims.partners.registry import Registry
from gateway.claims.work import Work
from gateway.kernel.clock import Clock
from gateway.kernel.errors import MessageRefused, NotSent

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_QUOTED = ClaimState.QUOTED
_REVERSING = ClaimState.REVERSING
_CREATED = ClaimState.CREATED
_MANUAL = ClaimState.MANUAL
_CONFIRMED = ClaimState.CONFIRMED
_ASK, _DECIDED, _GO_ON = Verdict.ASK, Verdict.DECIDED, Verdict.GO_ON

_AFTER_MS = 30_000
"""Should we die before the acts that follow a decision, a timer takes them up."""
_MATERIAL = (ClaimState.NEED_MORE, ClaimState.SUPPLIED)


@dataclass(slots=True)
class Talk:
    ledger: Ledger
    registry: Registry
    clock: Clock
    courier: Courier
    counter: Counter
    material: Material
    unanswered: Unanswered
    withdrawals: Withdrawals = field(default_factory=Withdrawals)

    async def converse(self, bill: Bill, claim: ClaimRun, work: Work) -> bool:
        """True when the claim has its final word."""
        if claim.state is _QUOTED:
            return False
        if claim.state is _MANUAL and not await self.unanswered.came(bill, claim, work):
            return False
        if claim.state is _REVERSING:
            budget = Budget(self.clock.monotonic() + RESUMED_S, self.clock)
            return await self.unanswered.take_back(bill, claim, work, budget)
        partner = self.registry.get(claim.insurer)
        if claim.state is _CREATED:
            claim.claimed = bill.remaining_for(claim)
            claim.prior_paid, claim.reason = bill.burden - claim.claimed, ""
            gap = why_not(bill, claim, partner, self.clock.now())
            gap = gap or ("consent-withdrawn" if self.withdrawals.cover(bill) else "")
            if gap:
                self._close(bill, claim, work, gap)
                return True
        else:
            claim.prior_paid = bill.burden - bill.remaining_for(claim)
            if claim.state is _CONFIRMED:
                self.counter.claims_what_is_left(bill, claim)
                if claim.most <= 0:
                    self._close(bill, claim, work, "nothing-left-to-claim")
                    return True
        if partner is None:
            return False
        steps = plan(partner.manifest, bill.kind_of(claim), bill.submission)
        turn = self.counter.turn(bill, claim, partner, work)
        while claim.step < len(steps):
            if bill.order_id in self.courier.frozen:
                return False
            step = steps[claim.step]
            errand = Errand(bill, claim, partner, step, work, turn.budget(step), sent_until=turn.sent_until)
            if bill.resumed:
                errand.act = await act_of(self.ledger, claim, step)
            if self.withdrawals.cover(bill) and (claim.state in _MATERIAL or not went_out(errand)):
                return await withdrawn(self.unanswered.reverser, errand)
            done = await self._take_step(errand, turn)
            if done is not None:
                if done and claim.approved and claim.step < len(steps):
                    claim.next_at = work.now() + _AFTER_MS
                return done
        self._park(bill, claim, work, "conversation-without-decision")
        return False

    async def _take_step(self, errand: Errand, turn: Turn) -> bool | None:
        """None = next step, True = final, False = not now."""
        bill, claim, work = errand.bill, errand.claim, errand.work
        stops = turn.before(errand)
        if stops is not None:
            return stops
        try:
            if claim.state in _MATERIAL and not await self.material.goes_on(errand):
                return False
            result = await self.courier.carry_out(errand)
        except NotSent as closed:
            return turn.unsent(errand, told(closed)) or self._not_sent(errand, closed)
        except MessageRefused as bad:
            keep_context(work, bill.order_id, claim.claim_id, errand.step.act, bad)
            self._park(bill, claim, work, bad.error_code)
            return False
        if result is None:
            # An order that is to be undone stops here: nothing of it is decided any more.
            return bill.order_id not in self.courier.frozen and turn.unanswered(errand)
        if result.state == "not_found" and turn.gone():
            return True
        if result.state == "need_more":
            return self.material.asked(errand, result)
        turn.told(errand.step)
        if result.state == "refused" and errand.step.rule.batch and await uploaded_again(self.courier, errand):
            return None
        verdict = judge(errand.step, result, claim.most, claim.quoted)
        if verdict.verdict is not _ASK:
            return self._apply(errand, verdict, result)
        await self.unanswered.recall(errand)
        ended = None if result is UNREAD else await self.unanswered.end(errand)
        if ended is None:
            reason = "unlisted-code" if errand.lost == UNLISTED else "outcome-unknown"
            self._park(bill, claim, work, "answer-unread" if result is UNREAD else reason)
        return bool(ended)

    def _apply(self, errand: Errand, verdict: Judgement, result: ActResult) -> bool | None:
        """Move the claim on. None = next step, True = final, False = not now."""
        bill, claim, work, role = errand.bill, errand.claim, errand.work, errand.step.rule.role
        if verdict.verdict is _DECIDED:
            claim.outcome, claim.approved = verdict.outcome, verdict.approved
            fault = errand.partner.faults.get(verdict.reason)
            claim.reason = "" if fault is None else fault.code
            claim.step += 1
            claim.next_at = 0
            work.changed(bill, claim, "claim.approved", "0", str(verdict.approved), verdict.outcome)
            work.move_claim(bill, claim, ClaimEvent.DECIDE, verdict.outcome)
            claim.refused_early = verdict.outcome == "refused" and role in ("step", "quote")
            return True
        if verdict.verdict is _GO_ON:
            claim.step += 1
            claim.next_at, claim.dirty = 0, True
            if bill.apart == "policies":
                listed(bill, claim, work, result)
                return True
            if role == "quote":
                claim.quoted, claim.afresh = verdict.approved, False
            return None
        if not self.counter.differs(bill, claim, work, verdict):
            self._park(bill, claim, work, verdict.reason or "outcome-unknown")
        return False

    def _not_sent(self, errand: Errand, closed: NotSent) -> bool:
        """Nothing left us. A counter that can't wait gets a clean end; a quick-claim is kept and sent later."""
        bill, claim, work = errand.bill, errand.claim, errand.work
        if claim.kind == "direct_pay" and claim.step == 0 and claim.state not in _MATERIAL:
            claim.reason, claim.outcome, claim.next_at = told(closed), "not_sent", 0
            if claim.state is not _CREATED:
                work.move_claim(bill, claim, ClaimEvent.PARK, closed.error_code)
            work.move_claim(bill, claim, ClaimEvent.CLOSE, closed.error_code)
            return True
        keep(claim, closed, work.now(), errand.act.attempts if errand.act is not None else 1)
        return False

    def _close(self, bill: Bill, claim: ClaimRun, work: Work, reason: str) -> None:
        claim.reason, claim.outcome = reason, "not_sent"
        work.move_claim(bill, claim, ClaimEvent.CLOSE, reason)

    def _park(self, bill: Bill, claim: ClaimRun, work: Work, reason: str) -> None:
        """Hand over to a person; the bill stays pending and visible."""
        claim.reason, claim.next_at = reason, 0
        if claim.state is _CREATED:
            work.move_claim(bill, claim, ClaimEvent.SEND, reason)
        work.move_claim(bill, claim, ClaimEvent.PARK, reason)
        work.event(bill, "needs-a-person")
