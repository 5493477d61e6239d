"""One claim's turn: how long each step may take, and when a direct-pay attempt stops before its settling act."""

import math

from gateway.claims.bill import Bill, ClaimRun
from gateway.claims.conversation.budget import Budget, Stage, Stages, stage_of
from gateway.claims.conversation.errand import Errand
from gateway.claims.conversation.falling import drop
from gateway.claims.conversation.plan import Step
from gateway.claims.conversation.states import ActState, ClaimEvent, ClaimState
from gateway.claims.work import Work
from gateway.telemetry.metrics import Metrics

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_PREPARE = Stage.PREPARE
_SETTLE = Stage.SETTLE
_CLAIM_CONFIRMED = ClaimState.CONFIRMED
_ACT_NOT_SENT = ActState.NOT_SENT


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
    """A patient waits. With ``stages`` a quick-claim may follow, so the attempt can be given up while it is harmless."""

    def __init__(
        self,
        bill: Bill,
        claim: ClaimRun,
        work: Work,
        whole: Budget,
        seconds: float,
        stages: Stages | None,
        metrics: Metrics,
    ) -> None:
        """``seconds`` is the time that the counter waits in all."""
        self.whole = whole
        self._bill, self._claim, self._work = bill, claim, work
        self._seconds, self._stages, self._metrics = seconds, stages, metrics
        self._since, self._stage = whole.clock.monotonic(), _PREPARE
        if stages is not None:
            self.sent_until = stages.end_of(_SETTLE)

    def budget(self, step: Step) -> Budget:
        """A settling act has all that is left, and a while more when it is taken up again later: somebody must ask."""
        if self._stages is None:
            return self.whole
        stage = stage_of(step.rule.role)
        return self.whole if stage is _SETTLE else self._stages.within(stage)

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
        return True if self._is_late(stage) and self._drop("over-budget") else None

    def unanswered(self, errand: Errand) -> bool:
        stage = stage_of(errand.step.rule.role)
        return stage is not _SETTLE and self._is_late(stage) and self._drop("over-budget")

    def unsent(self, errand: Errand, reason: str) -> bool:
        never = errand.act is None or errand.act.attempts == 1
        return never and self._claim.state is ClaimState.SENT and self._drop(reason)

    def gone(self) -> bool:
        return self._drop("not-at-insurer")

    def told(self, step: Step) -> None:
        if step.rule.role == "settle":
            self._over(_SETTLE)

    def _is_late(self, stage: Stage) -> bool:
        return self._stages is not None and self._stages.late_for(stage)

    def _over(self, stage: Stage) -> None:
        """Count which part of the whole a stage took."""
        now = self.whole.clock.monotonic()
        self._metrics.budget_share(stage, self._claim.insurer, (now - self._since) / self._seconds)
        self._since = now

    def _drop(self, reason: str) -> bool:
        """True when the attempt ended; without leave for a quick-claim it goes on."""
        if self._stages is None:
            return False
        drop(self._bill, self._claim, self._work, reason)
        return True


def went_out(errand: Errand) -> bool:
    """Whether the step's act may have reached the insurer."""
    return errand.act is not None and errand.act.state != _ACT_NOT_SENT
