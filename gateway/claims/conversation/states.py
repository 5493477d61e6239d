"""The conversation's states as one table. A transition that is not listed can't be written (``move`` raises)."""

from enum import StrEnum

from gateway.kernel.errors import Conflict


class ClaimState(StrEnum):
    CREATED = "created"
    """Known and durable; nothing was sent."""
    SENT = "sent"
    """The conversation with the insurer is under way."""
    ACCEPTED = "accepted"
    """The insurer has it and will answer later (callback or poll)."""
    NEED_MORE = "need_more"
    """The insurer asks for more material."""
    UNKNOWN = "unknown"
    """A byte may have reached the insurer and no usable answer came: we ask, we never send again as new."""
    DECIDED = "decided"
    """The insurer's final word is on our disk."""
    MANUAL = "manual"
    """A person must look: enquiries are used up or the answer can't be right."""
    CLOSED = "closed"
    """Ended without a decision: nothing was left to claim, or the claim was never sent."""


class ClaimEvent(StrEnum):
    SEND = "send"
    PEND = "pend"
    ASK_MORE = "ask_more"
    LOSE = "lose"
    DECIDE = "decide"
    PARK = "park"
    CLOSE = "close"


_S, _E = ClaimState, ClaimEvent
TRANSITIONS: dict[tuple[ClaimState, ClaimEvent], ClaimState] = {
    (_S.CREATED, _E.SEND): _S.SENT,
    (_S.CREATED, _E.CLOSE): _S.CLOSED,
    (_S.SENT, _E.SEND): _S.SENT,
    (_S.SENT, _E.PEND): _S.ACCEPTED,
    (_S.SENT, _E.LOSE): _S.UNKNOWN,
    (_S.SENT, _E.DECIDE): _S.DECIDED,
    (_S.SENT, _E.PARK): _S.MANUAL,
    (_S.ACCEPTED, _E.SEND): _S.SENT,
    (_S.ACCEPTED, _E.PEND): _S.ACCEPTED,
    (_S.ACCEPTED, _E.ASK_MORE): _S.NEED_MORE,
    (_S.ACCEPTED, _E.LOSE): _S.UNKNOWN,
    (_S.ACCEPTED, _E.DECIDE): _S.DECIDED,
    (_S.ACCEPTED, _E.PARK): _S.MANUAL,
    (_S.NEED_MORE, _E.PEND): _S.ACCEPTED,
    (_S.NEED_MORE, _E.DECIDE): _S.DECIDED,
    (_S.NEED_MORE, _E.PARK): _S.MANUAL,
    (_S.UNKNOWN, _E.SEND): _S.SENT,
    (_S.UNKNOWN, _E.PEND): _S.ACCEPTED,
    (_S.UNKNOWN, _E.LOSE): _S.UNKNOWN,
    (_S.UNKNOWN, _E.DECIDE): _S.DECIDED,
    (_S.UNKNOWN, _E.PARK): _S.MANUAL,
    (_S.MANUAL, _E.LOSE): _S.UNKNOWN,  # a person has the insurer asked again
    (_S.MANUAL, _E.DECIDE): _S.DECIDED,
    (_S.MANUAL, _E.CLOSE): _S.CLOSED,
}
WAITING = frozenset({_S.ACCEPTED, _S.NEED_MORE, _S.UNKNOWN, _S.MANUAL})
"""Somebody else must act: the insurer, an enquiry or a person."""
FINAL = frozenset({_S.DECIDED, _S.CLOSED})


def move(state: ClaimState, event: ClaimEvent) -> ClaimState:
    """The state after ``event``. Raises ``Conflict`` for a transition that is not in the table."""
    after = TRANSITIONS.get((state, event))
    if after is None:
        raise Conflict(f"a claim that is {state} can't {event}", code="illegal-transition")
    return after


class BillState(StrEnum):
    PENDING = "pending"
    """At least one policy has no final word yet."""
    DECIDED = "decided"
    """Every policy has its final word; the settlement order is a row."""


class ActState(StrEnum):
    PREPARED = "prepared"
    """The intent is committed; whether bytes left is not known after a crash."""
    PENDING = "pending"
    """Answered "taken"; the result comes later."""
    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
