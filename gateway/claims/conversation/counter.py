"""What happens while a patient waits: quotes that rest for a confirmation, and attempts that are given up in time."""

from dataclasses import dataclass

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.canonical.counter import OnExpiry
from gateway.claims.canonical.types import UNSET, ClaimKind
from gateway.claims.conversation.budget import budget_for, stages_for, steps_budget, whole_of
from gateway.claims.conversation.falling import drop, fall, is_dead, may_fall
from gateway.claims.conversation.judge import Judgement
from gateway.claims.conversation.offers import Offers, Word, word_of
from gateway.claims.conversation.plan import plan
from gateway.claims.conversation.states import BillEvent, BillState, ClaimEvent, ClaimState
from gateway.claims.conversation.turn import CounterTurn, Turn
from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.claims.work import Work
from gateway.kernel.clock import Clock
from gateway.telemetry.metrics import Metrics

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_DIRECT_PAY = ClaimKind.DIRECT_PAY
_CLAIM_CONFIRMED = ClaimState.CONFIRMED
_BILL_PENDING = BillState.PENDING

DIFFERS = "settled-differs-from-quote"
"""The insurer settled another amount than it quoted: money moved, so the patient is asked about that amount."""


@dataclass(slots=True)
class Counter:
    registry: Registry
    metrics: Metrics
    clock: Clock
    quick_claim: bool
    """Whether a dead direct-pay attempt goes on as a quick-claim where the bill does not say."""
    quote_valid_ms: int
    offers: Offers

    def turn(self, bill: Bill, claim: ClaimRun, partner: Partner, work: Work) -> Turn:
        rule = partner.manifest.budget
        whole = whole_of(claim.kind, bill.submission.visit.visit_kind, rule)
        since = self.clock.now() if claim.state is _CLAIM_CONFIRMED else bill.created_at
        budget = budget_for(whole, since, self.clock)
        if claim.kind != _DIRECT_PAY or bill.apart:
            return Turn(budget)
        falls = may_fall(bill, claim, partner, self.quick_claim)
        stages = stages_for(whole, since, rule, self.clock) if falls else None
        steps = steps_budget(budget, whole, since if bill.resumed else None, rule)
        return CounterTurn(bill, claim, work, budget, whole, steps, stages, self.metrics)

    def hold(self, bill: Bill, work: Work) -> None:
        """Park a bill that was stopped at the door, before anything of it was sent."""
        for claim in bill.claims:
            claim.claimed, claim.reason = bill.remaining_for(claim), bill.held
            work.move_claim(bill, claim, ClaimEvent.SEND, bill.held)
            work.move_claim(bill, claim, ClaimEvent.PARK, bill.held)
        work.event(bill, "needs-a-person")

    def ended(self, bill: Bill, claim: ClaimRun, work: Work) -> None:
        """A claim has its final word: it is counted, and where nothing happened, its quick-claim is registered with it."""
        self.metrics.claim(claim.insurer, claim.kind, claim.outcome)
        if claim.kind is _DIRECT_PAY:
            waited = (self.clock.now() - bill.created_at).total_seconds()
            self.offers.saw(claim.insurer, word_of(claim.outcome, claim.reason), waited)
        if is_dead(claim) and may_fall(bill, claim, self.registry.get(claim.insurer), self.quick_claim):
            fall(bill, claim, work)

    def differs(self, bill: Bill, claim: ClaimRun, work: Work, verdict: Judgement) -> bool:
        """Whether the patient is asked about a settled amount that is not the quoted one. Never taken silently."""
        if not bill.asks or verdict.reason != DIFFERS:
            return False
        work.changed(bill, claim, "claim.quoted", str(claim.quoted), str(verdict.approved), DIFFERS)
        claim.quoted, claim.reason = verdict.approved, DIFFERS
        work.move_claim(bill, claim, ClaimEvent.QUOTE, DIFFERS)
        for later in bill.claims:
            if later.seq > claim.seq and later.state is _CLAIM_CONFIRMED and not self._quote_again(bill, later):
                work.move_claim(bill, later, ClaimEvent.QUOTE, DIFFERS)
        return True

    def claims_what_is_left(self, bill: Bill, claim: ClaimRun) -> None:
        """A confirmed claim's turn: earlier policies may have settled other amounts than they had offered."""
        left = bill.remaining_for(claim)
        if left != claim.claimed:
            claim.claimed, claim.dirty = left, True
            self._quote_again(bill, claim)

    def _quote_again(self, bill: Bill, claim: ClaimRun) -> bool:
        """What was confirmed rested on an amount that changed. False when its insurer quotes nothing."""
        partner = self.registry.get(claim.insurer)
        steps = () if partner is None else plan(partner.manifest, claim.kind, bill.submission)
        quote = next((at for at, step in enumerate(steps) if step.rule.role == "quote"), None)
        if quote is None:
            return False
        claim.step, claim.afresh = quote, True
        return True

    def at_rest(self, bill: Bill, work: Work) -> bool:
        """All at the counter had their turn: policies that wait for an open one leave it, quotes wait for the patient.

        True while one of them is open.
        """
        if bill.state is not _BILL_PENDING:
            return False
        open_claims = bill.open_at_counter
        if not open_claims:
            return False
        if open_claims[0].state is ClaimState.UNKNOWN:
            self.offers.saw(open_claims[0].insurer, Word.LOST, 0.0)
        if open_claims[0].state is not ClaimState.QUOTED:
            self._release(bill, open_claims[1:], work)
        elif all(claim.state is ClaimState.QUOTED for claim in open_claims):
            work.move_bill(bill, BillEvent.QUOTE, "quoted")
            bill.quoted_until = work.now() + self.quote_valid_ms
            work.event(bill, "quoted")
            self.wait(bill)
        return True

    def wait(self, bill: Bill) -> None:
        for claim in bill.claims:
            if claim.state is ClaimState.QUOTED:
                claim.next_at, claim.dirty = bill.quoted_until, True

    def _release(self, bill: Bill, later: list[ClaimRun], work: Work) -> None:
        """An earlier policy has no word at the deadline: those that were not sent turn into quick-claims (§3.9 E2)."""
        for claim in later:
            partner = self.registry.get(claim.insurer)
            if claim.state is ClaimState.CREATED and may_fall(bill, claim, partner, self.quick_claim):
                drop(bill, claim, work, "earlier-policy-open")
                self.ended(bill, claim, work)

    def expired(self, bill: Bill, work: Work) -> bool:
        """Whether quotes that nobody confirmed ended just now; those not yet expired go on waiting."""
        if bill.quoted_until > work.now():
            bill.quoted_until = min(bill.quoted_until, work.now() + self.quote_valid_ms)  # a clock may have been wrong
            self.wait(bill)
            return False
        self.decline(bill, work, "quote-expired")
        return True

    def decline(self, bill: Bill, work: Work, reason: str) -> None:
        """Nobody agrees to the quotes. What an insurer settled already, a person undoes."""
        wish = bill.submission.counter
        quick = wish is not UNSET and wish.on_expiry is OnExpiry.QUICK_CLAIM
        work.move_bill(bill, BillEvent.GO_ON, reason)
        for claim in [one for one in bill.claims if one.state is ClaimState.QUOTED]:
            claim.next_at = 0
            if claim.reason == DIFFERS:
                work.move_claim(bill, claim, ClaimEvent.PARK, DIFFERS)
                work.event(bill, "needs-a-person")
            elif quick and may_fall(bill, claim, self.registry.get(claim.insurer), self.quick_claim):
                drop(bill, claim, work, reason)
                self.ended(bill, claim, work)
            else:
                claim.reason, claim.outcome = reason, "not_sent"
                work.move_claim(bill, claim, ClaimEvent.CLOSE, reason)
                self.metrics.claim(claim.insurer, claim.kind, claim.outcome)
