"""What became of one fuzzed message: made and valid, refused with a named field, or a finding."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.kernel.errors import LianpeiError
from gateway.mapping.act import MappedAct, run_located
from gateway.mapping.api import Incoming
from gateway.mapping.errors import MappingFailed
from gateway.mapping.explain import explain_answer, explain_callback, explain_request
from gateway.mapping.explain.act import Explained
from gateway.mapping.mapfile import MapFile


class Outcome(StrEnum):
    MADE = "made"
    """A message that its own schema accepts, or a result of the result type."""
    REFUSED = "refused"
    """A refusal that names the field and the rule."""
    CRASH = "crash"
    UNNAMED = "unnamed"
    """A refusal that does not say which field it is about."""
    DISAGREE = "disagree"
    """The compiled mapping and the interpreted one make different things."""


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    note: str = ""
    """Where and why, without values."""

    @property
    def is_finding(self) -> bool:
        return self.outcome not in (Outcome.MADE, Outcome.REFUSED)


def judge_request(act: MappedAct, file: MapFile, partner: Mapping[str, str], source: Any) -> Verdict:
    """Write one request with both back ends and hold it against the target's schema."""
    fast, refusal = _tried(lambda: _compiled_request(act, source))
    slow, slow_refusal = _tried(lambda: explain_request(file, partner, source))
    if isinstance(refusal, Verdict):
        return refusal
    if (refusal is None) is not (slow_refusal is None) or isinstance(slow_refusal, Verdict):
        return Verdict(Outcome.DISAGREE, f"compiled: {refusal or 'made'}; interpreted: {slow_refusal or 'made'}")
    if refusal is not None:
        return _refusal(refusal)
    if different := _request_difference(fast, slow):
        return Verdict(Outcome.DISAGREE, different)
    _, refusal = _tried(lambda: act.write(source))
    if isinstance(refusal, Verdict):
        return refusal
    return Verdict(Outcome.MADE) if refusal is None else _refusal(refusal)


def _compiled_request(act: MappedAct, source: Any) -> Any:
    assert act.request is not None
    return run_located(act.request.compiled, act.pin.name, source)


def _tried(make: Callable[[], Any]) -> tuple[Any, Verdict | LianpeiError | None]:
    """What was made, or the clean refusal, or a verdict about anything else that was raised."""
    try:
        return make(), None
    except LianpeiError as refused:
        return None, refused
    except Exception as error:
        return None, Verdict(Outcome.CRASH, type(error).__name__)


def _refusal(refused: LianpeiError) -> Verdict:
    named = not isinstance(refused, MappingFailed) or refused.target or "schema at " in refused.reason
    unclear = "can't be computed" in refused.message or "the document: malformed" in refused.message
    return Verdict(Outcome.REFUSED if named and not unclear else Outcome.UNNAMED, refused.message)


def _request_difference(fast: Any, slow: Explained) -> str:
    mine = (slow.text, slow.path, slow.query, slow.headers, slow.protected, slow.correlation)
    names = ("document", "path", "query", "headers", "protected", "correlation")
    return ", ".join(name for name, ours, theirs in zip(names, mine, fast, strict=False) if ours != theirs)


def judge_answer(
    act: MappedAct, file: MapFile, partner: Mapping[str, str], incoming: Incoming, sent: Any, callback: bool
) -> Verdict:
    """Read one answer or callback with both back ends: a result, or a clean refusal."""
    direction = act.callback if callback else act.answer
    assert direction is not None
    assert act.result is not None
    target, result = direction.target, act.result
    fast, refusal = _tried(lambda: act.read_callback(incoming) if callback else act.read(incoming, sent))
    if isinstance(refusal, Verdict):
        return refusal
    if refusal is not None:
        return Verdict(Outcome.REFUSED, refusal.message)
    if callback:
        slow, slow_refusal = _tried(lambda: explain_callback(file, partner, result, target, incoming))
    else:
        slow, slow_refusal = _tried(lambda: explain_answer(file, partner, result, target, incoming, sent))
    if slow_refusal is not None:
        return Verdict(Outcome.DISAGREE, f"compiled: made; interpreted: {slow_refusal}")
    told = dict(slow.result) | ({"correlation": slow.correlation} if callback and slow.correlation else {})
    return Verdict(Outcome.MADE) if told == fast else Verdict(Outcome.DISAGREE, "result")
