"""More material (§3.4 E1): the insurer asks, the hospital brings it, and the same case goes on."""

from dataclasses import dataclass

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.conversation.aftermath import act_of
from gateway.claims.conversation.courier import Courier
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.plan import Step
from gateway.claims.conversation.states import ActState, ClaimEvent, ClaimState
from gateway.claims.ledger import Ledger
from gateway.claims.partners.manifest import Manifest
from gateway.claims.work import Work

EVENT = "more-material"


@dataclass(slots=True)
class Material:
    ledger: Ledger
    courier: Courier

    def asked(self, errand: Errand, result: ActResult) -> bool:
        """The act stays open; the claim rests until the hospital brings the material. Never its final word."""
        claim, fault = errand.claim, errand.partner.faults.get(result.peer_code)
        claim.reason, claim.next_at = fault.code if fault is not None else "", 0
        ask(errand.bill, claim.claim_id, errand.work)
        return False

    async def goes_on(self, errand: Errand) -> bool:
        """Whether the conversation goes on: material is here and was handed over, or the insurer decided without it.

        Until it is handed over the claim stays ``supplied``, so that whoever takes it up next hands it over.
        """
        decided = errand.act is not None and errand.act.state == ActState.ANSWERED
        if errand.claim.state is ClaimState.NEED_MORE:
            return decided
        errand.claim.reason = ""
        name = material_act(errand.partner.manifest)
        if name and decided:
            return True
        if not name:
            self._again(errand)
            return True
        bill, claim, work = errand.bill, errand.claim, errand.work
        step = Step(name, errand.partner.manifest.rule(name))
        brought = Errand(bill, claim, errand.partner, step, work, errand.budget)
        if bill.resumed:
            brought.act = await act_of(self.ledger, claim, step)
        if brought.act is not None and brought.act.state == ActState.ANSWERED:
            brought.act = None  # it carried what was brought before
        result = await self.courier.carry_out(brought)
        if result is None:
            return False
        work.move_claim(bill, claim, ClaimEvent.SEND, name)
        errand.handed_over = True
        if result.state == "refused":
            ask(bill, claim.claim_id, work)
        return result.state != "refused"

    def _again(self, errand: Errand) -> None:
        """The partner takes material with the claim itself, as a further act of the same case."""
        if errand.act is not None:
            errand.work.act_became(errand.claim.claim_id, errand.act.act_id, ActState.ANSWERED, "need_more")
        errand.act = None


def material_act(manifest: Manifest) -> str:
    """The act that carries material, or an empty text where the claim itself does."""
    return next((name for name, rule in manifest.acts.items() if rule.role == "material"), "")


def ask(bill: Bill, claim_id: str, work: Work) -> None:
    """Show that the insurer asks for material; asked again, nothing new is told."""
    claim = next(claim for claim in bill.claims if claim.claim_id == claim_id)
    if claim.state is not ClaimState.NEED_MORE:
        work.move_claim(bill, claim, ClaimEvent.ASK_MORE, EVENT)
        work.event(bill, EVENT)
