"""Scripted trouble: what goes wrong with the next matching request, so that a test can ask for it by name."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.kernel.errors import BadRequest


class Do(StrEnum):
    LOSE_ANSWER = "lose_answer"
    """The work is done, then the connection closes without an answer."""
    DELAY = "delay"
    """The work is done, the answer comes ``seconds`` later. A callback starts ``seconds`` later."""
    ERROR500 = "error500"
    """Nothing is done; the answer is status 500."""
    GARBAGE = "garbage"
    """The work is done; the answer cannot be read."""
    DUPLICATE_CALLBACK = "duplicate_callback"
    """Of a callback: it is made once more after it was acknowledged."""
    NO_STATEMENT = "no_statement"
    """Of a daily statement, as the four that follow: it is not made yet."""
    OMIT_LINE = "omit_line"
    INVENT_LINE = "invent_line"
    ALTER_AMOUNT = "alter_amount"
    ALTER_STATE = "alter_state"
    DROP_CONNECTION = "drop_connection"
    """Nothing is done and the connection closes. A callback is never made."""


OF_STATEMENTS = frozenset({Do.NO_STATEMENT, Do.OMIT_LINE, Do.INVENT_LINE, Do.ALTER_AMOUNT, Do.ALTER_STATE})
"""What can only go wrong with a daily statement."""


@dataclass(slots=True)
class Trouble:
    op: str
    do: Do
    seconds: float
    times: int


@dataclass(slots=True)
class Script:
    ops: frozenset[str]
    """Operations that can be scripted; any other name is a mistake in the test."""
    _lines: list[Trouble] = field(default_factory=list)

    def add(self, wish: Any) -> None:
        """Take ``{match: {op}, do, seconds?, times?}``; ``op`` may be ``*``. Raises ``BadRequest`` otherwise."""
        try:
            trouble = Trouble(
                wish["match"]["op"], Do(wish["do"]), float(wish.get("seconds", 0)), int(wish.get("times", 1))
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadRequest("a script line is {match: {op}, do, seconds, times}", code="bad-script") from error
        if trouble.op != "*" and trouble.op not in self.ops:
            raise BadRequest(
                "this simulator has no such operation", code="bad-script", hint=", ".join(sorted(self.ops))
            )
        self._lines.append(trouble)

    def take(self, op: str) -> Trouble | None:
        """The first trouble waiting for ``op``, used up by one."""
        for trouble in self._lines:
            if trouble.op in ("*", op):
                trouble.times -= 1
                self._lines = [line for line in self._lines if line.times > 0]
                return trouble
        return None
