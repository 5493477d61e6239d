"""An insurer's word about money beside the one that stands: noted and listed for a person; what stands is never overwritten."""

from dataclasses import dataclass

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.changes import Order
from gateway.claims.conversation.errand import Errand
from gateway.claims.work import Work
from gateway.claims.worklist import open_item
from gateway.kernel.ids import change_no
from gateway.telemetry.metrics import Metrics

MONEY = ("settle", "claim")
"""Roles of acts that move money."""


def amount_told(result: ActResult) -> int | None:
    """分 that the answer says are paid; None when it says nothing about money."""
    if result.state == "refused" or result.verdict in ("refused", "withdrawn", "to_quick_claim"):
        return 0
    return result.approved if result.state == "accepted" and isinstance(result.approved, int) else None


@dataclass(frozen=True, slots=True)
class OtherWord:
    """About which act it was said."""

    order: Order
    claim_id: str
    act_id: str
    insurer: str

    def differs(self, told: int, ours: int, work: Work, metrics: Metrics) -> None:
        """Ours stands; a person looks."""
        self.note("money-differs", str(ours), str(told), work)
        self.put_on_list("answer-differs", abs(told - ours), work)
        metrics.answer_differs(self.insurer)

    def note(self, kind: str, old: str, new: str, work: Work) -> None:
        work.add().insert(
            "change",
            order_id=self.order.order_id,
            change_no=change_no(),
            claim_id=self.claim_id,
            act_id=self.act_id,
            field="claim.late-amount",
            old=old,
            new=new,
            cause=kind,
            at=work.now(),
        )
        work.event(self.order, kind)

    def put_on_list(self, why: str, amount: int, work: Work) -> None:
        open_item(
            work,
            f"answer:{self.act_id}",
            self.order.order_id,
            self.claim_id,
            insurer=self.insurer,
            kind="answer-differs",
            why=why,
            amount=amount,
        )


def the_first(errand: Errand, act_id: str, kept: ActResult, other: ActResult) -> ActResult:
    """Two answers to one act met on the way in: the one that is ``kept`` stands, one of other money is shown to a person."""
    ours, told = amount_told(kept), amount_told(other)
    if errand.step.rule.role in MONEY and ours is not None and told is not None and told != ours:
        order = Order(errand.bill.order_id, errand.bill.hospital)
        word = OtherWord(order, errand.claim.claim_id, act_id, errand.partner.code)
        word.differs(told, ours, errand.work, errand.partner.metrics)
    return kept
