"""Scripted trouble: what goes wrong with the next matching message, asked for by one vocabulary at every simulator.

Who asks, and how: ``POST /_script`` and a script file for any message, the header ``X-Sandbox-Trouble`` for the one
request that carries it, and a policy number ``TROUBLE.<do>.…`` for the message that decides about that policy.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.kernel.errors import BadRequest
from gateway.sandbox.common.trouble import SECONDS, Do, Repertoire, Trouble

HEADER = "X-Sandbox-Trouble"
MARK = "TROUBLE."


_playing: ContextVar[Trouble | None] = ContextVar("trouble", default=None)


def play(trouble: Trouble | None) -> None:
    """From here on this request's, or this callback's, trouble."""
    _playing.set(trouble)


def playing() -> Trouble | None:
    return _playing.get()


def is_playing(do: Do) -> bool:
    trouble = _playing.get()
    return trouble is not None and trouble.do is do


def told(fen: int) -> int:
    """The amount that the message being written tells, which is another than the books' when that is asked for."""
    return fen + 100 if is_playing(Do.WRONG_AMOUNT) else fen


@dataclass(slots=True)
class Script:
    repertoire: Repertoire
    _lines: list[Trouble] = field(default_factory=list)
    _played: set[tuple[str, Do]] = field(default_factory=set)
    """Policy numbers whose trouble was played: once each."""

    def add(self, wish: Any) -> None:
        """Take ``{match: {op}, do, seconds?, times?}``; ``op`` may be ``*``. Raises ``BadRequest`` otherwise."""
        try:
            do = Do(wish["do"])
            seconds, times = float(wish.get("seconds", SECONDS.get(do, 0))), int(wish.get("times", 1))
            trouble = Trouble(str(wish["match"]["op"]), do, seconds, times)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadRequest("a script line is {match: {op}, do, seconds, times}", code="bad-script") from error
        self._lines.append(self._playable(trouble))

    def asked(self, header: str, op: str) -> Trouble | None:
        """The trouble that a request's own header asks for: ``do``, or ``do; seconds=2``. Raises ``BadRequest``."""
        if not header:
            return None
        name, _, rest = header.partition(";")
        key, _, number = rest.strip().partition("=")
        try:
            do = Do(name.strip())
            seconds = float(number) if rest else SECONDS.get(do, 0.0)
        except ValueError as error:
            raise BadRequest(f"{HEADER} is one of {', '.join(Do)}; seconds=N", code="bad-script") from error
        if rest and key != "seconds":
            raise BadRequest(f"{HEADER} knows no setting but seconds", code="bad-script")
        return self._playable(Trouble(op, do, seconds))

    def take(self, op: str) -> Trouble | None:
        """The first trouble waiting for ``op`` that can be played there, used up by one."""
        for place, trouble in enumerate(self._lines):
            if trouble.op in ("*", op) and op in self.repertoire.where(trouble.do):
                left = replace(trouble, times=trouble.times - 1)
                self._lines[place : place + 1] = [left] if left.times > 0 else []
                return trouble
        return None

    def about(self, op: str, policy_no: str) -> Trouble | None:
        """Play what this policy's number asks for (``TROUBLE.lose_answer.0001``), once, unless something is played."""
        _, _, rest = policy_no.partition(MARK) if policy_no.startswith(MARK) else ("", "", "")
        name = rest.partition(".")[0]
        if playing() is not None or name not in set(Do) or op not in self.repertoire.deciding:
            return None
        do = Do(name)
        if (policy_no, do) in self._played or op not in self.repertoire.where(do):
            return None
        self._played.add((policy_no, do))
        trouble = Trouble(op, do, SECONDS.get(do, 0.0))
        play(trouble)
        return trouble

    def _playable(self, trouble: Trouble) -> Trouble:
        """Raises ``BadRequest`` that says where it can be played, if anywhere."""
        if trouble.op != "*" and trouble.op not in self.repertoire.ops:
            names = ", ".join(sorted(self.repertoire.ops))
            raise BadRequest("this simulator has no such operation", code="bad-script", hint=names)
        places = self.repertoire.where(trouble.do)
        if not places or trouble.op not in ("*", *places):
            where = f"it can at {', '.join(sorted(places))}" if places else "its protocol has no place for it"
            raise BadRequest(f"this simulator cannot play {trouble.do} there: {where}", code="bad-script")
        return trouble
