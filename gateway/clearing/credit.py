"""The gate before a bill is paid later (先诊后付): the score, and the time of day at which it was brought."""

from datetime import UTC, datetime, time

from gateway.clearing.plan import Wish
from gateway.kernel.clock import SHANGHAI


def credit_forbidden(brought_at: int, wish: Wish, cutoff: time) -> str:
    """Why this bill is paid at once, as a stable code; empty when it may wait. ``brought_at`` in epoch milliseconds."""
    if not wish.score_passed:
        return "credit-score"
    if not wish.payer_token:
        return "payer-token-missing"
    brought = datetime.fromtimestamp(brought_at / 1000, UTC).astimezone(SHANGHAI).time()
    return "" if brought < cutoff else "credit-too-late"
