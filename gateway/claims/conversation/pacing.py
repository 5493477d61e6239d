"""When an act is told, asked about or given up again: what its rule, its age and its attempts say together."""

import math
from datetime import datetime

from gateway.claims.bill import ActRecord
from gateway.claims.canonical.dispatch import ActView
from gateway.claims.conversation.budget import ENQUIRIES, given_up, repeat_delay
from gateway.claims.conversation.errand import Errand
from gateway.claims.partners.manifest import ActRule
from gateway.kernel.clock import Clock
from gateway.kernel.spans import seconds

_WITHOUT_A_WAY_S = 3600.0
_AT_COUNTER_S = 5.0
"""Longer than a slow insurer takes, and short of the time that a counter has for a trial."""
_LONGEST_S = 600.0
"""Longer than this no process waits anew for what another one waited for before."""
_MOST = 10_000


def may_repeat(rule: ActRule, act: ActRecord) -> bool:
    """A pending act is taken up again: its callback may have come while we were down, and who can't be asked is told again."""
    return not rule.status and rule.retry == "same_id" and act.attempts < ENQUIRIES


def is_given_up(rule: ActRule, act: ActRecord, now: datetime) -> bool:
    age = (now - act.prepared_at).total_seconds()
    return not rule.status and rule.retry == "same_id" and given_up(act.attempts, age)


def nap(errand: Errand, act: ActRecord) -> float:
    """Seconds until a pending act is taken up again by the timer."""
    rule = errand.step.rule
    if rule.status:
        return seconds(errand.partner.manifest.poll_every)
    return repeat_delay(act.attempts) if rule.retry == "same_id" else _WITHOUT_A_WAY_S


def told_again_s(errand: Errand, act: ActRecord) -> float:
    """Seconds until an act that moves no money is told again, once, to an insurer that can't be asked: a patient waits."""
    rule, at_counter = errand.step.rule, errand.claim.kind == "direct_pay"
    once = at_counter and rule.role in ("step", "quote") and act.attempts == 1 and may_repeat(rule, act)
    return _AT_COUNTER_S if once else math.inf


class Sightings:
    """Since when nothing more of an act can have left, as far as this process knows: on the clock that never jumps.

    A host's wall clock that jumps ahead, or a repeat that left just before a crash, would else make “not found” final while
    a message is still under way.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def since(self, act_id: str) -> float:
        """Monotonic seconds: when it was sent last, or else first looked at, here."""
        if act_id not in self._since:
            self.sent(act_id)
        return self._since[act_id]

    def sent(self, act_id: str) -> None:
        if len(self._since) >= _MOST:  # whoever is forgotten waits anew
            del self._since[next(iter(self._since))]
        self._since[act_id] = self._clock.monotonic()

    def forget(self, act_id: str) -> None:
        self._since.pop(act_id, None)

    def is_settled(self, act: ActView, settling_s: float) -> bool:
        """Whether the act, had it been sent, must have arrived by now."""
        return self.unsettled_s(act, settling_s) <= 0

    def unsettled_s(self, act: ActView, settling_s: float) -> float:
        """Seconds until it must have arrived. One from the future has no age: a clock was wrong."""
        known = self._clock.monotonic() - self.since(act.act_id)
        age = (self._clock.now() - act.sent_at).total_seconds()
        if age < 0:
            return settling_s - known
        return max(settling_s - age, min(settling_s, _LONGEST_S) - known)
