"""One claim's turn: how long each step may take, and when a direct-pay attempt stops before its settling act."""

import math

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.budget import Budget, Stage, Stages, stage_of
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.falling import TO_QUICK_CLAIM, drop
from gateway.claims.conversation.plan import Step
from gateway.claims.conversation.states import ActState, ClaimEvent, ClaimState
from gateway.claims.work import Work
from gateway.telemetry.metrics import Metrics

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_PREPARE = Stage.PREPARE
_SETTLE = Stage.SETTLE
_CLAIM_CONFIRMED = ClaimState.CONFIRMED
_ACT_NOT_SENT = ActState.NOT_SENT
_UNDER_WAY = (ClaimState.SENT, ClaimState.ACCEPTED)


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

    def unsent(self, _: Errand, __: str) -> bool:
        """No byte of a step left, for the reason given: True when the attempt ended with that."""
        return False

    def gone(self) -> bool:
        """The insurer proved that it never had the act: True when the attempt ended with that."""
        return False

    def told(self, _: Step) -> None:
        """A step was answered."""


class CounterTurn(Turn):
    """A patient waits, so an attempt that has no answer in time is given up while it is harmless: before its settling act.

    With ``stages`` a quick-claim may follow, and each of them has its own time; without, the steps share all but the reserve.
    """

    def __init__(
        self,
        bill: Bill,
        claim: ClaimRun,
        work: Work,
        whole: Budget,
        seconds: float,
        steps: Budget,
        stages: Stages | None,
        metrics: Metrics,
    ) -> None:
        """``seconds`` is the time that the counter waits in all, ``steps`` what the acts before settling have of it."""
        self.whole, self._steps = whole, steps
        self._bill, self._claim, self._work = bill, claim, work
        self._seconds, self._stages, self._metrics = seconds, stages, metrics
        self._since, self._stage = whole.clock.monotonic(), _PREPARE
        if stages is not None:
            self.sent_until = stages.end_of(_SETTLE)

    def budget(self, step: Step) -> Budget:
        """A settling act has all that is left, and a while more when it is taken up again later: somebody must ask."""
        stage = stage_of(step.rule.role)
        if stage is _SETTLE:
            return self.whole
        return self._steps if self._stages is None else self._stages.within(stage)

    def before(self, errand: Errand) -> bool | None:
        stage, claim = stage_of(errand.step.rule.role), self._claim
        if stage is not self._stage:
            self._over(self._stage)
            self._stage = stage
        if stage is _SETTLE:
            if claim.state is _CLAIM_CONFIRMED or went_out(errand):
                return None
            if self._bill.asks and errand.act is None:
                self._work.move_claim(self._bill, claim, ClaimEvent.QUOTE, "quoted")
                return False
        return True if self._falls_late(stage) else None

    def unanswered(self, errand: Errand) -> bool:
        stage = stage_of(errand.step.rule.role)
        return stage is not _SETTLE and (self._falls_late(stage) or self._ends_late("over-budget"))

    def unsent(self, errand: Errand, reason: str) -> bool:
        if self._stages is None:
            return stage_of(errand.step.rule.role) is not _SETTLE and self._ends_late(reason)
        never = errand.act is None or errand.act.attempts == 1
        return never and self._claim.state is ClaimState.SENT and self._drop(reason, TO_QUICK_CLAIM)

    def gone(self) -> bool:
        return self._stages is not None and self._drop("not-at-insurer", TO_QUICK_CLAIM)

    def told(self, step: Step) -> None:
        if step.rule.role == "settle":
            self._over(_SETTLE)

    def _falls_late(self, stage: Stage) -> bool:
        late = self._stages is not None and self._stages.late_for(stage)
        return late and self._drop("over-budget", TO_QUICK_CLAIM)

    def _ends_late(self, reason: str) -> bool:
        """Without leave for a quick-claim: the time is over, so the patient pays and may claim later."""
        # Who brought something afterwards (material) stands at no counter.
        if self._stages is not None or self._bill.amendments or self._claim.state not in _UNDER_WAY:
            return False
        waited = (self.whole.clock.now() - self._bill.created_at).total_seconds()
        late = self._steps.spent or (self._bill.resumed and waited > self._seconds)
        return late and self._drop(reason, "not_sent")

    def _over(self, stage: Stage) -> None:
        """Count which part of the whole a stage took."""
        now = self.whole.clock.monotonic()
        self._metrics.budget_share(stage, self._claim.insurer, (now - self._since) / self._seconds)
        self._since = now

    def _drop(self, reason: str, outcome: str) -> bool:
        drop(self._bill, self._claim, self._work, reason, outcome)
        return True


def went_out(errand: Errand) -> bool:
    """Whether the step's act may have reached the insurer."""
    return errand.act is not None and errand.act.state != _ACT_NOT_SENT
