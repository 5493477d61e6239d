"""What becomes of a claim whose enquiries are used up, as the partner folder says: ``on_unknown`` (docs/mapping.md)."""

from dataclasses import dataclass

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.budget import Budget
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.plan import plan
from gateway.claims.conversation.states import ClaimEvent
from gateway.claims.partners.partner import UNLISTED
from gateway.claims.undo.reversal import Reverser
from gateway.claims.undo.worker import settle_claim
from gateway.claims.work import Work

WITHOUT_ANSWER = ("outcome-unknown", "answer-unread", UNLISTED)
"""Why a claim was handed over that goes on by itself when its answer comes after all."""
_NO_STEP_LEFT = 10_000
"""Beyond every plan: an insurer that answers nothing hears nothing more about this claim."""


@dataclass(slots=True)
class Unanswered:
    reverser: Reverser

    async def end(self, errand: Errand) -> bool | None:
        """Whether the claim has its final word now; None when a person must look."""
        bill, claim, work = errand.bill, errand.claim, errand.work
        wish = errand.partner.manifest.on_unknown
        # An insurer that refused, by whatever code, let its quote stand no longer.
        if (
            wish == "accept"
            and errand.lost != UNLISTED
            and errand.step.rule.role == "settle"
            and claim.quoted is not None
        ):
            self._accept(bill, claim, work, claim.quoted, errand.known().act_id)
            return True
        if wish == "reverse" and await self.reverser.can(claim):
            work.move_claim(bill, claim, ClaimEvent.REVERSE, "enquiries-used-up", errand.known().act_id)
            return await self.take_back(bill, claim, work, errand.budget)
        return None

    async def recall(self, errand: Errand) -> None:
        """What an earlier turn was told of the act counts in this one too: that the insurer refused it."""
        ledger = self.reverser.ledger
        about = {"order_id": errand.bill.order_id, "act_id": errand.known().act_id, "cause": UNLISTED}
        told = [] if errand.lost == UNLISTED else await ledger.read(ledger.store.find, "change", about)
        if told:
            errand.lost = UNLISTED

    async def came(self, bill: Bill, claim: ClaimRun, work: Work) -> bool:
        """A claim that was handed over for want of an answer goes on by itself when the answer comes after all."""
        ledger, partner = self.reverser.ledger, self.reverser.registry.get(claim.insurer)
        if claim.reason not in WITHOUT_ANSWER or partner is None:
            return False
        steps = plan(partner.manifest, bill.kind_of(claim), bill.submission)
        acts = await ledger.read(ledger.act_rows, claim.claim_id)
        mine = [act for act in acts if claim.step < len(steps) and act["name"] == steps[claim.step].act]
        if not mine or await ledger.read(ledger.result_of, mine[-1]["act_id"]) is None:
            return False
        claim.reason = ""
        work.move_claim(bill, claim, ClaimEvent.LOSE, "answer-came")
        return True

    def _accept(self, bill: Bill, claim: ClaimRun, work: Work, quoted: int, act_id: str) -> None:
        """The insurer's last word is its quote, and its contract says that a settlement of just that amount stands.

        The evidence is the quote's message in the record; an answer that comes later is compared with it.
        """
        claim.outcome, claim.approved, claim.reason = "paid" if quoted else "zero", quoted, "accepted-unanswered"
        claim.step, claim.next_at = _NO_STEP_LEFT, 0
        work.changed(bill, claim, "claim.approved", "0", str(quoted), "accepted-unanswered", act_id)
        work.move_claim(bill, claim, ClaimEvent.DECIDE, "accepted-unanswered", act_id)
        work.event(bill, "accepted-unanswered")

    async def take_back(self, bill: Bill, claim: ClaimRun, work: Work, budget: Budget) -> bool:
        """Go on with a reversal; True when the claim has its final word."""
        settle_claim(bill, claim, work, await self.reverser.again(bill, claim, work, budget))
        return claim.final
