"""Probes: who can't be asked about an act is only connected to, and one insurer's probe keeps no other waiting."""

from types import SimpleNamespace
from typing import Any, cast

from gateway.claims.conversation.probing import Prober
from gateway.claims.lanes.breaker import Phase
from gateway.claims.lanes.lane import Lane
from gateway.claims.lanes.rules import BreakerRule, Limits
from gateway.claims.lanes.ways import Way
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import NotSent


class Mute:
    """A partner that has no status act and whose last act belongs to no claim."""

    code = "mute"

    def __init__(self, reached: bool) -> None:
        rule = BreakerRule(least=2, rest="0s")
        self.lane = Lane(Limits(), rule, (), frozenset({"quick_claim"}), SystemClock())
        self.client = SimpleNamespace(reach=self._reach)
        self._reached, self.knocks = reached, 0

    async def _reach(self) -> None:
        self.knocks += 1
        if not self._reached:
            raise NotSent("nobody is there", code="not-sent")

    def lose(self) -> "Mute":
        for _ in range(2):
            assert self.lane.take(Way.QUICK)
            self.lane.leave(Way.QUICK, False)
        assert self.lane.wants_probe
        return self


async def probed(partner: Mute) -> Mute:
    await Prober(cast("Any", SimpleNamespace(ledger=None))).probe(cast("Any", partner))
    return partner


async def test_who_can_not_be_asked_is_connected_to_and_then_tried_with_one_act() -> None:
    partner = await probed(Mute(reached=True).lose())

    assert (partner.knocks, partner.lane.breaker.phase) == (1, Phase.TRIAL)
    assert partner.lane.take(Way.QUICK)
    assert not partner.lane.take(Way.QUICK)


async def test_who_is_not_reached_stays_closed() -> None:
    partner = await probed(Mute(reached=False).lose())

    assert (partner.knocks, partner.lane.breaker.phase) == (1, Phase.OPEN)
