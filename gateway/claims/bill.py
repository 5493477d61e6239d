"""A bill and its claims while they are being worked on, and how they look in the store."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.cover import Policy
from gateway.claims.canonical.dispatch import ActView
from gateway.claims.canonical.types import ClaimKind
from gateway.claims.conversation.states import FINAL, BillState, ClaimState
from gateway.kernel.ids import ActId, ClaimId, OrderId

_LOOK_AGAIN_MS = 60_000


@dataclass(slots=True)
class ClaimRun:
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
    refs: dict[str, str] = field(default_factory=dict)
    stored: bool = False
    dirty: bool = True
    waiting: bool = False
    """It has a row among the waiting ones."""

    @property
    def insurer(self) -> str:
        return self.policy.insurer_code

    @property
    def final(self) -> bool:
        return self.state in FINAL


@dataclass(slots=True)
class Bill:
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
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when every row up to now is durable and the hospital may be told."""
    at_rest: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing more happens here for now: decided, or left to callbacks, timers or a person."""
    look_at: int = 0
    """When the stored row says that it must be taken up again (epoch ms); 0 = never."""
    resumed: bool = False
    """Loaded from the store, so that acts may exist from before."""
    committed: bool = False
    """Its rows are on disk; only then may the hospital hear of it."""
    undo_id: str = ""
    """The undo under way."""
    refused: Exception | None = None
    """Why work on the bill stopped (a duplicate key, a failed store)."""

    @property
    def approved(self) -> int:
        return sum([claim.approved for claim in self.claims])

    @property
    def burden(self) -> int:
        """What the patient bears after 医保 and before commercial insurance: the cash part (identity 10)."""
        return self.submission.split.cash_pay

    @property
    def self_pay_due(self) -> int:
        return self.burden - (self.approved if self.submission.kind == "direct_pay" else 0)

    def next_look(self, now: int) -> int:
        """When this bill must be taken up again (epoch ms); 0 when nothing is left for us to do."""
        soon = [claim.next_at for claim in self.claims if claim.next_at]
        if soon:
            return min(soon)
        for claim in self.claims:
            if claim.state not in FINAL:
                return 0 if claim.state is ClaimState.MANUAL else now + _LOOK_AGAIN_MS
        return 0

    def remaining_for(self, claim: ClaimRun) -> int:
        """What is left to claim once the policies before this one have decided."""
        return self.burden - sum([other.approved for other in self.claims if other.seq < claim.seq])


@dataclass(frozen=True, slots=True)
class ActRecord:
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
