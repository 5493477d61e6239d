"""What is best offered to a patient just now, per insurer, from what was seen of it lately.

Figures live in this process's memory and fade: half of their weight is gone after ten minutes. After a restart nothing is
known, and then an insurer is offered as its folder says.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.claims.lanes.breaker import Phase
from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.kernel.clock import SHANGHAI, Clock

_HALF_LIFE_S = 600.0
_A_WHILE_S = 1.0
_ENOUGH = 2.0
"""Below this weight the figures say nothing: about two acts of the last minutes."""
_MOSTLY = 0.5


class Word(StrEnum):
    SETTLED = "settled"
    """Decided at the counter, refusals included."""
    SENT_AWAY = "sent_away"
    """The insurer decided that it can't decide at once, or was too slow."""
    LOST = "lost"
    """Unreachable, or the outcome was not known in time."""


# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_WORD_LOST = Word.LOST
_WORD_SENT_AWAY = Word.SENT_AWAY
_WORD_SETTLED = Word.SETTLED


class Advice(StrEnum):
    DIRECT_PAY = "direct_pay"
    QUICK_CLAIM = "quick_claim"
    DOWN = "down"


_SAID = {
    Advice.DIRECT_PAY: ("可直赔", "Direct-pay is likely to be decided at the counter."),
    Advice.QUICK_CLAIM: ("建议快赔：患者先自付", "Use quick-claim: the patient pays now, the insurer pays later."),
    Advice.DOWN: (
        "暂时联系不上保险公司：患者先自付，快赔登记后自动补发",
        "The insurer can't be reached now: the patient pays; a quick-claim is kept and sent when it is back.",
    ),
}


_CLOSED = (
    "保险公司系统维护至 {}：患者先自付，快赔登记后自动补发",
    "The insurer is closed until {}: the patient pays; a quick-claim is kept and sent then.",
)


def word_of(outcome: str, reason: str) -> Word | None:
    """What a claim's end says of its insurer; None when it was never asked."""
    if reason in ("insurer-unreachable", "not-at-insurer"):
        return _WORD_LOST
    if outcome == "not_sent":
        return _WORD_LOST if reason == "over-budget" else None
    return _WORD_SENT_AWAY if outcome == "to_quick_claim" else _WORD_SETTLED


@dataclass(slots=True)
class Figures:
    at: float
    settled: float = 0.0
    sent_away: float = 0.0
    lost: float = 0.0
    seconds: float = 0.0
    """Sum over the settled ones, faded as they are."""

    def fade(self, now: float) -> None:
        left = 0.5 ** ((now - self.at) / _HALF_LIFE_S)
        self.at, self.settled, self.sent_away = now, self.settled * left, self.sent_away * left
        self.lost, self.seconds = self.lost * left, self.seconds * left


class Offers:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, Figures] = {}

    def saw(self, insurer: str, word: Word | None, seconds: float) -> None:
        """One direct-pay claim came to ``word`` after so many seconds."""
        if word is None:
            return
        figures = self._figures(insurer)
        if word is _WORD_SETTLED:
            figures.settled, figures.seconds = figures.settled + 1.0, figures.seconds + seconds
        elif word is _WORD_SENT_AWAY:
            figures.sent_away += 1.0
        else:
            figures.lost += 1.0

    def all(self, registry: Registry) -> list[dict[str, Any]]:
        """One entry per insurer that serves here, in the order of their codes."""
        return [self.offer(partner) for partner in sorted(registry, key=lambda partner: partner.code)]

    def offer(self, partner: Partner) -> dict[str, Any]:
        figures, kinds = self._figures(partner.code), partner.manifest.kinds
        opens, down = self._shut(partner)
        advice = Advice.DOWN if down else _advice(figures, "direct_pay" in kinds, "quick_claim" in kinds)
        zh, en = (text.format(opens) for text in _CLOSED) if opens else _SAID[advice]
        names = partner.manifest.names
        return {
            "insurer": partner.code,
            "name": {"zh": names.zh, "en": names.en},
            "direct_pay": "direct_pay" in kinds,
            "quick_claim": "quick_claim" in kinds,
            "advice": advice.value,
            "closed_until": f"{opens.replace(' ', 'T')}:00+08:00" if opens else None,
            "seconds": round(figures.seconds / figures.settled, 1) if figures.settled >= 1.0 else None,
            "message": {"zh": zh, "en": en},
        }

    def _shut(self, partner: Partner) -> tuple[str, bool]:
        """Until when it is closed (China's time), if it is; and whether it can't be called now."""
        lane = partner.lane
        until = lane.windows.closed_until(self._clock.epoch_ms()) if lane.windows.ever_closed else 0
        opens = f"{datetime.fromtimestamp(until / 1000, SHANGHAI):%Y-%m-%d %H:%M}" if until else ""
        return opens, bool(until) or lane.breaker.phase is Phase.OPEN

    def _figures(self, insurer: str) -> Figures:
        now = self._clock.monotonic()
        figures = self._seen.get(insurer)
        if figures is None:
            figures = self._seen[insurer] = Figures(now)
        elif now - figures.at >= _A_WHILE_S:
            figures.fade(now)
        return figures


def _advice(figures: Figures, direct: bool, quick: bool) -> Advice:
    seen = figures.settled + figures.sent_away + figures.lost
    if seen >= _ENOUGH and figures.lost / seen > _MOSTLY:
        return Advice.DOWN
    if not direct:
        return Advice.QUICK_CLAIM
    if quick and seen >= _ENOUGH and figures.sent_away / seen > _MOSTLY:
        return Advice.QUICK_CLAIM
    return Advice.DIRECT_PAY
