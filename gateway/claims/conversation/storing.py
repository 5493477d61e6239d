"""What could not be sent now: how long it is kept, and how the counter is told."""

from datetime import UTC, datetime

from gateway.claims.bill import ClaimRun
from gateway.claims.conversation.states import ClaimState
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import NotNow, NotSent

_AGAIN_MS, _LATEST_MS = 5_000, 60_000
CLOSED, BUSY, UNREACHABLE = "insurer-closed", "insurer-busy", "insurer-unreachable"
NEVER_ASKED = frozenset({CLOSED, BUSY, UNREACHABLE})
_REASONS = {
    "insurer-closed": CLOSED,
    "insurer-busy": BUSY,
    "insurer-asks-to-wait": BUSY,
    "insurer-down": "insurer-unreachable",
    "own-key-away": "insurer-unreachable",
}


def told(closed: NotSent) -> str:
    """The reason on the claim. Of a closed insurer it says until when: ``insurer-closed 2026-11-22T04:00``, China's time."""
    reason = _REASONS.get(closed.error_code, UNREACHABLE)
    if reason != CLOSED or not isinstance(closed, NotNow):
        return reason
    opens = datetime.fromtimestamp(closed.opens_at / 1000, UTC).astimezone(SHANGHAI)
    return f"{CLOSED} {opens:%Y-%m-%dT%H:%M}"


def was_never_asked(reason: str) -> bool:
    """Whether a claim ended because its insurer could not be called at all."""
    return reason.partition(" ")[0] in NEVER_ASKED


def keep(claim: ClaimRun, closed: NotSent, now: int, attempts: int) -> None:
    """Come again at the time that the lane gave, else in a while. A closed insurer's hours are shown as long as they last."""
    claim.next_at, claim.dirty = again_at(closed, now, attempts), True
    if closed.error_code == CLOSED and claim.state is ClaimState.CREATED:
        claim.reason = told(closed)


def again_at(closed: NotSent, now: int, attempts: int) -> int:
    """Epoch ms: the lane's word, or 5, 10, 20 … s after an attempt, at most a minute."""
    if isinstance(closed, NotNow):
        return closed.again_at
    return now + min(_LATEST_MS, _AGAIN_MS << min(8, max(0, attempts - 1)))
