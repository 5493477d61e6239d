"""The one vocabulary of trouble, and which of it a simulator can play (docs/sandbox.md)."""

from dataclasses import dataclass
from enum import StrEnum


class Do(StrEnum):
    LOSE_ANSWER = "lose_answer"
    """The work is done, then the connection closes without an answer. Of a callback: its acknowledgement is not heard."""
    DELAY = "delay"
    """The work is done, the answer comes ``seconds`` later. A callback starts ``seconds`` later."""
    ERROR500 = "error500"
    """Nothing is done; the answer is status 500."""
    DROP_CONNECTION = "drop_connection"
    """Nothing is done and the connection closes. A callback is never made."""
    GARBAGE = "garbage"
    """The work is done; the answer cannot be read. A callback comes as garbage first."""
    DRIP = "drip"
    """The work is done; the answer comes byte by byte, ``seconds`` between two."""
    HALF_OPEN = "half_open"
    """The work is done; nothing more is ever said, and the connection stays open (at most ``seconds``)."""
    WRONG_SIGNATURE = "wrong_signature"
    """The work is done; one character of the message's signature is another. A callback comes right afterwards."""
    WRONG_AMOUNT = "wrong_amount"
    """The work is done; the message tells 1.00 more than the books hold."""
    DUPLICATE_CALLBACK = "duplicate_callback"
    """Of a callback: it is made once more after it was acknowledged."""
    REORDER_CALLBACK = "reorder_callback"
    """Of a callback: the next one of this simulator overtakes it (it waits at most ``seconds``)."""
    APPROVE_AFTER_REVERSE = "approve_after_reverse"
    """Of a reversal: it is confirmed, and then the insurer approves all the same."""
    NEED_MORE = "need_more"
    """The insurer asks for documents before it decides."""
    RETURNED_PAYOUT = "returned_payout"
    """Of a payment order: it is paid, and the money comes back a while later."""
    NO_STATEMENT = "no_statement"
    """Of a daily statement, as the four that follow: it is not made yet."""
    OMIT_LINE = "omit_line"
    INVENT_LINE = "invent_line"
    ALTER_AMOUNT = "alter_amount"
    ALTER_STATE = "alter_state"


OF_STATEMENTS = frozenset({Do.NO_STATEMENT, Do.OMIT_LINE, Do.INVENT_LINE, Do.ALTER_AMOUNT, Do.ALTER_STATE})
"""What can only go wrong with a daily statement."""
OF_CALLBACKS = frozenset({Do.DUPLICATE_CALLBACK, Do.REORDER_CALLBACK})
OF_BOTH = frozenset({Do.LOSE_ANSWER, Do.DELAY, Do.DROP_CONNECTION, Do.GARBAGE})
OF_ANSWERS = frozenset({Do.ERROR500, Do.DRIP, Do.HALF_OPEN})
SECONDS = {Do.DELAY: 19.9, Do.DRIP: 1.0, Do.HALF_OPEN: 120.0, Do.REORDER_CALLBACK: 5.0}
"""What holds where a header or a policy number names no time: 19.9 s is just inside the counter's 20."""


@dataclass(frozen=True, slots=True)
class Repertoire:
    """What one simulator can play; every set holds names of operations."""

    answers: frozenset[str]
    callbacks: frozenset[str] = frozenset()
    deciding: frozenset[str] = frozenset()
    """Whose trouble a policy number ``TROUBLE.…`` asks for."""
    signature: bytes = b""
    """A pattern whose first group is one character of the signature; empty: this insurer's messages bear none."""
    signed: frozenset[str] = frozenset()
    amounts: frozenset[str] = frozenset()
    reversals: frozenset[str] = frozenset()
    material: frozenset[str] = frozenset()
    payouts: frozenset[str] = frozenset()
    statements: frozenset[str] = frozenset()

    @property
    def ops(self) -> frozenset[str]:
        return self.answers | self.callbacks | self.statements

    def where(self, do: Do) -> frozenset[str]:
        """The operations at which this trouble can be played; empty: this simulator can't."""
        special = {
            Do.WRONG_SIGNATURE: self.signed,
            Do.WRONG_AMOUNT: self.amounts,
            Do.APPROVE_AFTER_REVERSE: self.reversals,
            Do.NEED_MORE: self.material,
            Do.RETURNED_PAYOUT: self.payouts,
        }
        if do in special:
            return special[do]
        if do in OF_STATEMENTS:
            return self.statements
        if do in OF_CALLBACKS:
            return self.callbacks
        return self.answers if do in OF_ANSWERS else self.answers | self.callbacks

    def as_json(self) -> dict[str, list[str]]:
        return {do.value: sorted(self.where(do)) for do in Do}


@dataclass(frozen=True, slots=True)
class Trouble:
    op: str
    do: Do
    seconds: float
    times: int = 1
