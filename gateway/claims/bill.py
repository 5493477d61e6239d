"""A bill and its claims while they are being worked on, and how they look in the store."""

from datetime import datetime
from typing import Literal

import msgspec

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.cover import Policy
from gateway.claims.canonical.dispatch import ActView
from gateway.claims.canonical.types import UNSET, BenefitType, ClaimKind
from gateway.claims.conversation.states import FINAL, BillState, ClaimState
from gateway.claims.milestone import Milestone
from gateway.kernel.ids import ActId, ClaimId, OrderId

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_QUOTED = ClaimState.QUOTED
_FIXED = BenefitType.FIXED

_LOOK_AGAIN_MS = 60_000
_NEVER = 10**15
_NO_LIMIT = 10**15
Apart = Literal["", "guarantee", "policies"]
_FOR_OTHERS = (ClaimState.MANUAL, ClaimState.NEED_MORE)
"""A person or the hospital must act; no timer does."""


class ClaimRun(msgspec.Struct):
    """One policy's share of a bill. Amounts in 分."""

    claim_id: ClaimId
    order_id: OrderId
    seq: int
    policy: Policy
    kind: ClaimKind
    created_at: datetime
    state: ClaimState = ClaimState.CREATED
    outcome: str = ""
    claimed: int = 0
    prior_paid: int = 0
    """What the policies before this one took."""
    approved: int = 0
    quoted: int | None = None
    step: int = 0
    reason: str = ""
    next_at: int = 0
    """When to take it up again (epoch ms); 0 = nothing to do for us."""
    version: int = 0
    refs: dict[str, str] = {}
    stored: bool = False
    dirty: bool = True
    waiting: bool = False
    """It has a row among the waiting ones."""
    policy_no: int = 0
    """Place of its policy in the submission (1 is the first), where that is not ``seq``; 0 where it is."""

    refused_early: bool = False
    """The insurer refused before its settling act: a trial, an eligibility check. Known in the process that saw it."""

    withdrew: bool = False
    """A batch was refused, and what was uploaded was withdrawn to be uploaded again."""
    afresh: bool = False
    """Its confirmed quote rested on an amount that changed: the quote is asked for anew."""

    insurer: str = ""
    """The policy's."""
    fixed: bool = False
    """A fixed benefit: paid to the patient whatever the bill was, so outside what the bill can bear."""

    def __post_init__(self) -> None:
        self.insurer = self.policy.insurer_code
        self.fixed = self.policy.benefit_type is _FIXED

    @property
    def most(self) -> int:
        """So much an insurer may approve (分): what the patient still bears, or what a fixed benefit has left."""
        if not self.fixed:
            return self.claimed
        return _NO_LIMIT if self.policy.residual is UNSET else self.policy.residual

    @property
    def final(self) -> bool:
        return self.state in FINAL


class Bill(msgspec.Struct):
    """One submission of a hospital."""

    order_id: OrderId
    hospital: str
    idem_key: str
    digest: str
    submission: Submission
    created_at: datetime
    claims: list[ClaimRun]
    encoded: bytes = b""
    """The submission as it is sealed in the vault; its digest says whether two requests mean the same bill."""
    state: BillState = BillState.PENDING
    version: int = 0
    stored: bool = False
    dirty: bool = True
    acknowledged: Milestone = msgspec.field(default_factory=Milestone)
    """Set when every row up to now is durable and the hospital may be told."""
    at_rest: Milestone = msgspec.field(default_factory=Milestone)
    """Set when nothing more happens here for now: decided, or left to callbacks, timers or a person."""
    look_at: int = 0
    """When the stored row says that it must be taken up again (epoch ms); 0 = never."""
    resumed: bool = False
    """Loaded from the store, so that acts may exist from before."""
    committed: bool = False
    """Its rows are on disk; only then may the hospital hear of it."""
    undo_id: str = ""
    """The undo under way."""
    undoing: bool = False
    """That undo is being worked: should this stop in the middle, a timer takes it up again."""
    refused: Exception | None = None
    """Why work on the bill stopped (a duplicate key, a failed store)."""
    amendments: int = 0
    """So many amendments came after the submission; they are in it already."""
    apart: Apart = ""
    """What it is when it is no bill: ``guarantee`` is the estimate of a stay for which a guarantee is asked, ``policies`` the
    question which policies the patient has. Nothing is paid for either."""
    guaranteed: dict[str, tuple[int, dict[str, str]]] = {}
    """By insurer: the quota (分) of the stay's guarantee and the insurer's numbers of it, as the bill was brought."""
    owes_a_look: bool = False
    """Where several processes share the database: an insurer was asked about money whose answer may be brought to another too."""
    warnings: str = ""
    """What was odd about it and did not refuse it, as it is kept and shown (``warnings_of``)."""
    held: str = ""
    """Why nothing of this bill is sent until a person has looked."""
    quoted_until: int = 0
    """While quotes wait for the patient: when they expire (epoch ms)."""

    @property
    def kind(self) -> str:
        return self.apart or self.submission.kind

    @property
    def is_claim(self) -> bool:
        """Whether money is claimed on an invoice: neither an estimate for a guarantee nor a question about policies."""
        return not self.apart

    def kind_of(self, claim: ClaimRun) -> str:
        """By which acts a claim goes."""
        return self.apart or claim.kind

    @property
    def burden(self) -> int:
        """What the patient bears after 医保 and before commercial insurance: the cash part (identity 10)."""
        return self.submission.split.cash_pay

    def amounts(self) -> tuple[int, int]:
        """What the insurers approved, and what the patient pays at the counter (分).

        A quick-claim, a fixed benefit too, is paid to the patient afterwards.
        """
        approved, due = 0, self.submission.split.cash_pay
        at_once = self.submission.kind == "direct_pay"
        for claim in self.claims:
            approved += claim.approved
            if at_once and claim.kind == "direct_pay":
                due -= claim.approved
        return approved, due

    @property
    def self_pay_due(self) -> int:
        return self.amounts()[1]

    @property
    def at_counter(self) -> list[ClaimRun]:
        """Claims that decide the bill; those of another kind follow when the patient has left."""
        return [claim for claim in self.claims if claim.kind == self.submission.kind]

    @property
    def open_at_counter(self) -> list[ClaimRun]:
        return [claim for claim in self.claims if claim.state not in FINAL and claim.kind == self.submission.kind]

    @property
    def open_followers(self) -> list[ClaimRun]:
        return [claim for claim in self.claims if claim.state not in FINAL and claim.kind != self.submission.kind]

    @property
    def followers(self) -> list[ClaimRun]:
        return [claim for claim in self.claims if claim.kind != self.submission.kind]

    @property
    def asks(self) -> bool:
        """Its quotes are shown to the patient and settled after a confirmation only."""
        return self.submission.counter is not UNSET and self.submission.counter.confirm

    def next_look(self, now: int) -> int:
        """When this bill must be taken up again (epoch ms); 0 when nothing is left for us to do."""
        soonest, unsettled, holder = _NEVER, False, ""
        for claim in self.claims:
            if 0 < claim.next_at < soonest:
                soonest = claim.next_at
            if claim.state not in FINAL:
                unsettled = True
                if not holder and claim.state is not _QUOTED:
                    holder = claim.state
        if soonest < _NEVER:
            return soonest
        if self.undoing or self.owes_a_look or (unsettled and holder not in _FOR_OTHERS):
            return now + _LOOK_AGAIN_MS
        return 0

    def insurer_seq(self, claim: ClaimRun) -> int:
        """Which of this bill's claims at its insurer it is. No claim comes before one that was sent, so this stays."""
        if len(self.claims) == 1:
            return 1
        return 1 + sum(other.seq < claim.seq for other in self.claims if other.insurer == claim.insurer)

    def remaining_for(self, claim: ClaimRun) -> int:
        """What is left to claim once the policies before this one have decided."""
        left = self.submission.split.cash_pay
        if not claim.fixed:
            for other in self.claims:
                if other.seq < claim.seq and not other.fixed:
                    left -= _taken(other)
        return left


def _taken(claim: ClaimRun) -> int:
    """What a policy takes of the bill: what it decided, or until then what it offers."""
    if claim.state in (_QUOTED, ClaimState.CONFIRMED):
        return claim.quoted or 0
    return claim.approved


class ActRecord(msgspec.Struct, frozen=True):
    """An act as it was prepared: its key, and which mapping and keys made its bytes."""

    act_id: ActId
    name: str
    batch_no: int
    batch_count: int
    serial: int
    state: str
    prepared_at: datetime
    attempts: int = 1
    correlation: str = ""

    @property
    def seen(self) -> ActView:
        """The act as mappings see it."""
        return ActView(
            act_id=self.act_id,
            name=self.name,
            sent_at=self.prepared_at,
            serial=self.serial,
            attempt=self.attempts,
            batch_no=self.batch_no,
            batch_count=self.batch_count,
        )
