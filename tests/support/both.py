"""Whatever a test writes or reads with a compiled mapping, the interpreted back end does too, and must agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.mapping import loader
from gateway.mapping.act import MappedAct
from gateway.mapping.api import Incoming, Outgoing
from gateway.mapping.fuzz.verdict import Outcome, Verdict, judge_answer, judge_request


class BothBackEnds:
    """Remembers the file of each act that is compiled, and holds one back end against the other at each use."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._files: dict[int, Any] = {}
        self._busy = False
        self.compared = 0
        self._compile, self._write = loader._compile, MappedAct.write
        self._read, self._callback = MappedAct.read, MappedAct.read_callback
        patch.setattr(loader, "_compile", self._compiled)
        patch.setattr(MappedAct, "write", lambda act, source: self.write(act, source))
        patch.setattr(MappedAct, "read", lambda act, incoming, sent=None: self.read(act, incoming, sent))
        patch.setattr(MappedAct, "read_callback", lambda act, incoming: self.callback(act, incoming))

    def _compiled(self, file: Any, ends: Any, outside: Any) -> MappedAct:
        act = self._compile(file, ends, outside)
        self._files[id(act)] = (act, file, ends.partner)
        return act

    def write(self, act: MappedAct, source: Any) -> Outgoing:
        with self._beside(act) as known:
            if known and act.request is not None:
                self._hold(judge_request(*known, source))
        return self._write(act, source)

    def read(self, act: MappedAct, incoming: Incoming, sent: Any) -> dict[str, Any]:
        with self._beside(act) as known:
            if known and act.answer is not None:
                self._hold(judge_answer(*known, incoming, sent, callback=False))
        return self._read(act, incoming, sent)

    def callback(self, act: MappedAct, incoming: Incoming) -> dict[str, Any]:
        with self._beside(act) as known:
            if known and act.callback is not None:
                self._hold(judge_answer(*known, incoming, None, callback=True))
        return self._callback(act, incoming)

    @contextmanager
    def _beside(self, act: MappedAct) -> Iterator[Any]:
        """The act with its file, unless the judge itself is at work."""
        if self._busy:
            yield None
            return
        self._busy = True
        try:
            yield self._files.get(id(act))
        finally:
            self._busy = False

    def _hold(self, verdict: Verdict) -> None:
        self.compared += 1
        assert verdict.outcome is not Outcome.DISAGREE, verdict.note


@pytest.fixture(autouse=True)
def both_back_ends(monkeypatch: pytest.MonkeyPatch) -> BothBackEnds:
    return BothBackEnds(monkeypatch)
