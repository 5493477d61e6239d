"""Every change of a state goes through its table and leaves a row with its cause and time; there is no other way."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.states import ACT, BILL, ActState, BillEvent, ClaimEvent, ClaimState, move
from gateway.claims.worklist import close_item, open_item
from gateway.kernel.errors import Conflict
from gateway.kernel.ids import change_no, new_event_id
from gateway.store.rows import ChangeRow, EventRow, OutboxRow
from gateway.store.unit import Unit

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_CLAIM_MANUAL = ClaimState.MANUAL
_ACT_ANSWERED = ActState.ANSWERED


class Ordered(Protocol):
    """What names a bill in a row; a ``Bill`` does."""

    @property
    def order_id(self) -> str: ...

    @property
    def hospital(self) -> str: ...


class Order(NamedTuple):
    order_id: str
    hospital: str


class Changes:
    unit: Unit
    """Rows to be committed together."""
    now: Callable[[], int]
    """Epoch ms."""
    _acts: dict[str, ActState]
    """Where the acts stand that were written here."""

    def move_claim(self, bill: Bill, claim: ClaimRun, event: ClaimEvent, cause: str, act_id: str = "") -> None:
        """Raises ``Conflict`` for a transition that the table has not; then nothing changed."""
        before, after = claim.state, move(claim.state, event)
        claim.state, claim.dirty = after, True
        if after is not before:
            self.changed(bill, claim, "claim.state", before, after, cause, act_id)
            if after is _CLAIM_MANUAL:
                self._hand_over(bill, claim, cause)
            elif before is _CLAIM_MANUAL:
                close_item(self.unit, claim.claim_id)

    def _hand_over(self, bill: Bill, claim: ClaimRun, why: str) -> None:
        claim_id, order_id = claim.claim_id, bill.order_id
        open_item(
            self, claim_id, order_id, claim_id, insurer=claim.insurer, kind="claim", why=why, amount=claim.claimed
        )

    def move_bill(self, bill: Bill, event: BillEvent, cause: str) -> None:
        """Raises ``Conflict`` for a transition that the table has not; then nothing changed."""
        before, after = bill.state, BILL.after(bill.state, event)
        bill.state, bill.dirty = after, True
        self.changed(bill, None, "bill.state", before, after, cause)

    def step_act(self, act_id: str, state: ActState) -> bool:
        """False for an act that was answered already and is so again.

        Raises ``Conflict`` when an act that was written here can't become this: an answered one stays answered.
        """
        before = self._acts.get(act_id)
        if before is state is _ACT_ANSWERED:
            return False
        if before is not None and (before, state) not in ACT.steps:
            raise Conflict(f"act: {before} can't become {state}", code="illegal-transition")
        self._acts[act_id] = state
        return True

    def changed(
        self, bill: Ordered, claim: ClaimRun | None, field: str, old: str, new: str, cause: str, act_id: str = ""
    ) -> None:
        """A row about something that has no table of states, or about the one who has."""
        claim_id = "" if claim is None else claim.claim_id
        self.unit.add(ChangeRow(bill.order_id, change_no(), claim_id, act_id, field, old, new, cause, self.now()))

    def event(self, bill: Ordered, kind: str) -> None:
        """A line in the hospital's feed: an id, an order and a kind, and nothing about the patient."""
        self.unit.add(EventRow(new_event_id(), bill.hospital, bill.order_id, kind, self.now()))

    def outbox(self, bill: Ordered, kind: str) -> None:
        """What the window carries to the payment room."""
        self.unit.add(OutboxRow(kind, bill.order_id, self.now()))
