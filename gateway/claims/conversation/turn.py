"""One claim's turn: how long each step may take, and when a direct-pay attempt stops before its settling act."""

import math
from dataclasses import dataclass, field

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.budget import Budget, Stage, Stages, stage_of
from gateway.claims.conversation.courier import Errand
from gateway.claims.conversation.falling import drop
from gateway.claims.conversation.plan import Step
from gateway.claims.conversation.states import ActState, ClaimEvent, ClaimState
from gateway.claims.work import Work
from gateway.telemetry.metrics import Metrics


class Turn:
    """Of a claim that is no direct-pay one: nothing is split, and it never stops by itself."""

    sent_until = math.inf
    """On the monotonic clock: an act that is proven not to have happened is sent again until then."""

    def __init__(self, whole: Budget) -> None:
        self.whole = whole

    def budget(self, _: Step) -> Budget:
        return self.whole

    def before(self, _: Errand) -> bool | None:
        """Whether the claim stops before this step: False = it rests, True = it ended, None = go on."""
        return None

    def unanswered(self, _: Errand) -> bool:
        """A step has no answer now: True when the attempt ended with that."""
        return False

    def unsent(self, _: Errand) -> bool:
        """No byte of a step left: True when the attempt ended with that."""
        return False

    def gone(self) -> bool:
        """The insurer proved that it never had the act: True when the attempt ended with that."""
        return False

    def told(self, _: Step) -> None:
        """A step was answered."""


@dataclass
class CounterTurn(Turn):
    """A patient waits. ``falls``: a quick-claim may follow, so the attempt can be given up while it is harmless."""

    bill: Bill
    claim: ClaimRun
    work: Work
    whole: Budget
    stages: Stages
    falls: bool
    metrics: Metrics
    _since: float = field(init=False)
    _stage: Stage = field(init=False, default=Stage.PREPARE)

    def __post_init__(self) -> None:
        self._since = self.stages.started
        if self.falls:
            self.sent_until = self.stages.end_of(Stage.SETTLE)

    def budget(self, step: Step) -> Budget:
        stage = stage_of(step.rule.role)
        return self.stages.within(stage) if self.falls and stage is not Stage.SETTLE else self.whole

    def before(self, errand: Errand) -> bool | None:
        stage, claim = stage_of(errand.step.rule.role), self.claim
        if stage is not self._stage:
            self._over(self._stage)
            self._stage = stage
        if stage is Stage.SETTLE:
            if claim.state is ClaimState.CONFIRMED or _went_out(errand):
                return None
            if self.bill.asks and errand.act is None:
                self.work.move_claim(self.bill, claim, ClaimEvent.QUOTE, "quoted")
                return False
        late = self.falls and not self.bill.asks and self.stages.late_for(stage)
        return True if late and self._drop("over-budget") else None

    def unanswered(self, errand: Errand) -> bool:
        stage = stage_of(errand.step.rule.role)
        return self.falls and stage is not Stage.SETTLE and self.stages.late_for(stage) and self._drop("over-budget")

    def unsent(self, errand: Errand) -> bool:
        never = errand.act is None or errand.act.attempts == 1
        return self.falls and never and self.claim.state is ClaimState.SENT and self._drop("insurer-unreachable")

    def gone(self) -> bool:
        return self.falls and self._drop("not-at-insurer")

    def told(self, step: Step) -> None:
        if step.rule.role == "settle":
            self._over(Stage.SETTLE)

    def _over(self, stage: Stage) -> None:
        """Count which part of the whole a stage took."""
        now = self.stages.clock.monotonic()
        self.metrics.budget_share(stage.value, self.claim.insurer, (now - self._since) / self.stages.whole)
        self._since = now

    def _drop(self, reason: str) -> bool:
        drop(self.bill, self.claim, self.work, reason)
        return True


def _went_out(errand: Errand) -> bool:
    return errand.act is not None and errand.act.state != ActState.NOT_SENT
