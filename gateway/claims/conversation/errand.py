"""What a courier is sent with."""

import math

import msgspec

from gateway.claims.bill import ActRecord, Bill, ClaimRun
from gateway.claims.canonical.dispatch import ActResult, ActView
from gateway.claims.conversation.budget import Budget
from gateway.claims.conversation.plan import Step
from gateway.claims.partners.partner import Partner
from gateway.claims.work import Work
from gateway.kernel.ids import ActId


class Errand(msgspec.Struct):
    """One step of one claim, with all that is needed to carry it out."""

    bill: Bill
    claim: ClaimRun
    partner: Partner
    step: Step
    work: Work
    budget: Budget
    act: ActRecord | None = None
    """The act that carries this step, once there is one."""
    new_id: ActId | None = None
    """The id that a new act is to have."""
    target: ActView | None = None
    """For an undo: the act that it undoes."""
    sent_until: float = math.inf
    """On the monotonic clock: an act that is proven not to have happened is sent again until then."""
    lost: str = "answer-lost"
    """Why the outcome of its act is not known, once it is not."""
    handed_over: bool = False
    """Material went to the insurer just now: an enquiry that still asks for it was overtaken."""

    def known(self) -> ActRecord:
        assert self.act is not None
        return self.act

    def ends_with(self, answer: ActResult) -> bool:
        """Whether an enquiry's answer is the word that is waited for."""
        if answer.state == "need_more":
            return not self.handed_over
        if answer.state == "pending":
            self.handed_over = False
        return answer.state not in ("pending", "unknown", "not_found")
