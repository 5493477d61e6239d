"""An insurer's word about money beside the one that stands: noted and listed for a person; what stands is never overwritten.

One act and one amount are noted once, whoever hears it and however often: whoever notes looks first, and the work list's
row, which has one key for an act, refuses the commit of the second of two who looked at the same moment.
"""

from dataclasses import dataclass

from gateway.claims.canonical.dispatch import ActResult
from gateway.claims.changes import Order
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.states import ActState
from gateway.claims.partners.partner import UNLISTED
from gateway.claims.work import Work
from gateway.claims.worklist import open_item
from gateway.kernel.ids import change_no
from gateway.store.api import AnyStore
from gateway.telemetry.metrics import Metrics

MONEY = ("settle", "claim")
"""Roles of acts that move money."""
_DIFFERS = "money-differs"


def amount_told(result: ActResult) -> int | None:
    """分 that the answer says are paid; None when it says nothing about money."""
    if result.state == "refused" or result.verdict in ("refused", "withdrawn", "to_quick_claim"):
        return 0
    return result.approved if result.state == "accepted" and isinstance(result.approved, int) else None


def keep_word(work: Work, claim_id: str, act_id: str, result: ActResult) -> None:
    """The answer to an act that no worker of its bill heard: who takes the bill up goes by it."""
    work.result(act_id, result)
    work.act_became(claim_id, act_id, ActState.ANSWERED, result.state)
    for name, value in result.refs.items():
        if value:
            work.ref(claim_id, name, value)


@dataclass(frozen=True, slots=True)
class Noted:
    """What was noted about an act before."""

    amounts: frozenset[int]
    """分 that a person was shown."""
    listed: bool
    """It stands in the work list now."""


def noted_of(store: AnyStore, order_id: str, act_id: str) -> Noted:
    """Asked inside ``read``."""
    rows = store.find("change", {"order_id": order_id, "act_id": act_id, "cause": _DIFFERS}, limit=1000)
    return Noted(
        frozenset(int(row["new"]) for row in rows), store.get("work_item", item_id=_item_id(act_id)) is not None
    )


@dataclass(frozen=True, slots=True)
class OtherWord:
    """About which act it was said."""

    order: Order
    claim_id: str
    act_id: str
    insurer: str

    def differs(self, told: int, ours: int, noted: Noted, work: Work, metrics: Metrics) -> bool:
        """Ours stands; a person looks. False when a person was shown this amount before.

        The commit is refused with ``Duplicate`` when another noted something of this act meanwhile.
        """
        if told in noted.amounts:
            return False
        self.note(_DIFFERS, str(ours), str(told), work)
        self.put_on_list("answer-differs", abs(told - ours), work, alone=not noted.listed)
        metrics.answer_differs(self.insurer)
        return True

    def note(self, kind: str, old: str, new: str, work: Work) -> None:
        work.unit.insert(
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

    def put_on_list(self, why: str, amount: int, work: Work, *, alone: bool = False) -> None:
        open_item(
            work,
            _item_id(self.act_id),
            self.order.order_id,
            self.claim_id,
            insurer=self.insurer,
            kind="answer-differs",
            why=why,
            amount=amount,
            alone=alone,
        )


def _item_id(act_id: str) -> str:
    return f"answer:{act_id}"


async def the_first(store: AnyStore, errand: Errand, act_id: str, kept: ActResult, other: ActResult) -> ActResult:
    """Two answers to one act met on the way in: the one that is ``kept`` stands, one of other money is shown to a person."""
    ours, told = amount_told(kept), amount_told(other)
    if errand.step.rule.role in MONEY and ours is not None and told is not None and told != ours:
        order = Order(errand.bill.order_id, errand.bill.hospital)
        word = OtherWord(order, errand.claim.claim_id, act_id, errand.partner.code)
        noted = await store.read(noted_of, store, order.order_id, act_id)
        word.differs(told, ours, noted, errand.work, errand.partner.metrics)
    return kept


def heard(errand: Errand, act_id: str, result: ActResult) -> None:
    """Should the commit be refused, for another process has the bill, this is what must be held against its word."""
    heed_unlisted(errand, act_id, result)
    if errand.work.owner and errand.step.rule.role in MONEY and amount_told(result) is not None:
        errand.work.told[act_id] = errand.claim, result


def heed_unlisted(errand: Errand, act_id: str, result: ActResult) -> None:
    """A refusal by a code that the folder does not list is asked about; whoever looks in the end is told which code."""
    if result.state == "unknown" and result.peer_code.startswith(UNLISTED) and errand.lost != UNLISTED:
        errand.lost = UNLISTED
        told = result.peer_code.removeprefix(f"{UNLISTED}:")
        errand.work.changed(errand.bill, errand.claim, "act.peer-code", "", told, UNLISTED, act_id)


def owes_a_look(errand: Errand) -> None:
    """While an insurer is asked about money, its call may be brought to another process unseen."""
    if errand.work.owner and errand.step.rule.role in MONEY:
        errand.bill.owes_a_look = True
