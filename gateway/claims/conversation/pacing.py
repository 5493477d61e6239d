"""When an act is told, asked about or given up again: what its rule, its age and its attempts say together."""

from datetime import datetime

from gateway.claims.bill import ActRecord
from gateway.claims.conversation.budget import ENQUIRIES, given_up, repeat_delay
from gateway.claims.conversation.errand import Errand
from gateway.claims.partners.manifest import ActRule, seconds

_WITHOUT_A_WAY_S = 3600.0


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


def is_settled(errand: Errand, act: ActRecord, now: datetime) -> bool:
    """Whether the act, had it been sent, must have arrived by now: the partner's settling time is over."""
    age = (now - act.prepared_at).total_seconds()
    return age >= seconds(errand.partner.manifest.settling_time)
