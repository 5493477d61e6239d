"""How a payment order and its legs may change: one table, from which the ledger, the docs and the property tests come."""

from enum import StrEnum
from itertools import groupby

from gateway.kernel.errors import Conflict
from gateway.payment.model import OWN, LegKind, OrderKind


class State(StrEnum):
    """Where an order stands with its channel."""

    ACCEPTED = "accepted"
    """Nothing was sent, or what was sent is proven never to have arrived."""
    SENDING = "sending"
    """The act row is durable; bytes may be out. Found at a start, it means unknown."""
    UNKNOWN = "unknown"
    PENDING = "pending"
    """The channel has it and is not done."""
    PAID = "paid"
    CREDITED = "credited"
    """A payout that is paid and may still come back; watched for some days."""
    FAILED = "failed"
    DISPUTED = "disputed"
    REFUSED = "refused"
    """Never sent: a limit or a rule of the channel forbids it."""
    ACCOUNT = "account"
    """A payout whose account is wrong: it waits for another one."""
    RETURNED = "returned"
    """A payout that came back after it had been paid: it waits for another account."""
    SCHEDULED = "scheduled"
    """A pay-later order before its next push."""
    PUSHED = "pushed"
    """The patient was told of today's deduction."""
    WARNED = "warned"
    """Told for the last time: unpaid at the deadline it becomes a default."""
    DEFAULTED = "defaulted"
    DOUBLE = "double"
    """Paid, but another order had paid the same debt: refunded by itself."""
    CLOSED = "closed"


class LegState(StrEnum):
    STATED = "stated"
    """Borne by somebody else, settled elsewhere."""
    OPEN = "open"
    UNKNOWN = "unknown"
    PAID = "paid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"


_S = State
_ANSWERS: tuple[tuple[State, str], ...] = (
    (_S.PENDING, "channel-processing"),
    (_S.PAID, "channel-paid"),
    (_S.CREDITED, "channel-paid"),
    (_S.DOUBLE, "paid-twice"),
    (_S.FAILED, "channel-failed"),
    (_S.DISPUTED, "channel-amount-differs"),
    (_S.ACCOUNT, "account-wrong"),
    (_S.SCHEDULED, "deduction-failed"),
    (_S.WARNED, "deduction-failed"),
)
TRANSITIONS: dict[tuple[State | None, State], str] = {
    (None, _S.ACCEPTED): "order-taken",
    (None, _S.SCHEDULED): "order-taken",
    (_S.ACCEPTED, _S.SENDING): "sent",
    (_S.ACCEPTED, _S.REFUSED): "channel-rule",
    (_S.ACCEPTED, _S.CLOSED): "paid-another-way",
    (_S.SENDING, _S.ACCEPTED): "not-sent",
    (_S.SENDING, _S.UNKNOWN): "outcome-unknown",
    (_S.UNKNOWN, _S.ACCEPTED): "never-arrived",
    (_S.PENDING, _S.ACCEPTED): "never-arrived",
    **{
        (held, after): cause
        for held in (_S.SENDING, _S.UNKNOWN, _S.PENDING)
        for after, cause in _ANSWERS
        if held is not after
    },
    (_S.CREDITED, _S.PAID): "watch-over",
    (_S.CREDITED, _S.RETURNED): "payout-returned",
    (_S.ACCOUNT, _S.ACCEPTED): "account-changed",
    (_S.RETURNED, _S.ACCEPTED): "account-changed",
    (_S.SCHEDULED, _S.PUSHED): "told",
    (_S.SCHEDULED, _S.WARNED): "told-last",
    (_S.PUSHED, _S.SENDING): "sent",
    (_S.WARNED, _S.SENDING): "sent",
    (_S.PUSHED, _S.REFUSED): "channel-rule",
    (_S.WARNED, _S.REFUSED): "channel-rule",
    (_S.WARNED, _S.DEFAULTED): "deadline-passed",
    **{(held, _S.CLOSED): "paid-another-way" for held in (_S.SCHEDULED, _S.PUSHED, _S.WARNED)},
}
"""(from, to) -> why. What is not in it can't be written (``require_step``)."""

DUE = (_S.ACCEPTED, _S.SENDING, _S.UNKNOWN, _S.PENDING, _S.CREDITED, _S.SCHEDULED, _S.PUSHED, _S.WARNED)
"""States in which the room acts by itself when the order's time comes."""
OPEN = (*DUE[:4], *DUE[5:], _S.ACCOUNT, _S.RETURNED, _S.DISPUTED)
"""States that somebody or something must still end; a paid payout that is only watched is not among them."""
HOLDS = (_S.SENDING, _S.UNKNOWN, _S.PENDING, _S.PAID, _S.CREDITED, _S.DISPUTED, _S.DOUBLE)
"""Money moved or may have moved: what counts against a limit and against what an order may give back."""
TOOK = frozenset({_S.PAID, _S.CREDITED, _S.DOUBLE})
FINAL = frozenset(State) - frozenset(DUE) - {_S.ACCOUNT, _S.RETURNED}

_LEG: dict[State, LegState] = {
    _S.UNKNOWN: LegState.UNKNOWN,
    _S.SENDING: LegState.UNKNOWN,
    _S.PAID: LegState.PAID,
    _S.CREDITED: LegState.PAID,
    _S.DOUBLE: LegState.PAID,
    _S.DISPUTED: LegState.UNKNOWN,
    _S.FAILED: LegState.FAILED,
    _S.REFUSED: LegState.FAILED,
    _S.DEFAULTED: LegState.FAILED,
    _S.CLOSED: LegState.FAILED,
}


def require_step(old: State, new: State) -> None:
    """Staying is always allowed. Raises ``Conflict`` for a change that the table does not have."""
    if old is not new and (old, new) not in TRANSITIONS:
        raise Conflict(f"an order that is {old} can't become {new}", code="illegal-transition")


def leg_state(leg: LegKind, kind: OrderKind, state: State, amount: int, refunded: int) -> LegState:
    """A leg's own state: its order's for the leg that it moves, ``stated`` for every other. Amounts in 分."""
    if leg not in OWN[kind]:
        return LegState.STATED
    if state in TOOK and refunded:
        return LegState.REFUNDED if refunded >= amount else LegState.PART_REFUNDED
    return _LEG.get(state, LegState.OPEN)


def diagram() -> str:
    """The table as a Mermaid state diagram, as it stands in docs/payment.md."""
    lines = ["stateDiagram-v2"]
    rows = sorted((old.value if old else "[*]", new.value, why) for (old, new), why in TRANSITIONS.items())
    for (old, why), group in groupby(sorted((old, why, new) for old, new, why in rows), lambda row: row[:2]):
        lines += [f"    {old} --> {new}: {why}" for _, _, new in group]
    lines += [f"    {state.value} --> [*]" for state in sorted(FINAL)]
    return "\n".join(lines)
