"""The lane to one insurer: who may send now, who waits, and who is turned away with a time to come again.

Entering costs one look while there is room. A turned-away quick-claim is kept by its bill's timer; the times that are
handed out lie apart, so that whatever gathered while the insurer was closed goes to it at a pace and not at once.
"""

import asyncio
from collections import deque

from gateway.claims.lanes.breaker import Breaker, Phase
from gateway.claims.lanes.pace import Pace
from gateway.claims.lanes.places import Places
from gateway.claims.lanes.retry_after import asked_wait
from gateway.claims.lanes.rules import BreakerRule, Closure, Limits
from gateway.claims.lanes.ways import Way
from gateway.claims.lanes.windows import Windows
from gateway.kernel.clock import Clock
from gateway.kernel.errors import NotNow
from gateway.kernel.spans import seconds

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_OPEN = Phase.OPEN
_TRIAL = Phase.TRIAL
_ASK = Way.ASK

_PATIENCE_S = 10.0
"""How long those wait for a place who are in no hurry."""
_KEY_AGAIN_MS = 5_000
_QUICK_PART = 0.5
"""What was kept is sent at this part of the insurer's rate: the counters need the rest."""


class Lane:
    def __init__(
        self,
        limits: Limits,
        rule: BreakerRule,
        closures: tuple[Closure, ...],
        kinds: frozenset[str],
        clock: Clock,
        where: str = "",
    ) -> None:
        self._limits, self._clock = limits, clock
        self._longest_wait = seconds(rule.most)
        self._patience = [_PATIENCE_S, _PATIENCE_S, seconds(limits.wait), _PATIENCE_S]
        self.windows = Windows(closures, where)
        self.breaker = Breaker(rule)
        self.places = Places(limits, kinds)
        self._paces = [Pace(limits.per_second, 1.0, limits.burst or limits.per_second)]
        if limits.per_minute:
            self._paces.append(Pace(limits.per_minute, 60.0, limits.burst or limits.per_minute / 10))
        self._queues: tuple[deque[asyncio.Future[None]], ...] = tuple(deque() for _ in Way)
        self._waiting = 0
        self._quiet_until = 0.0
        """The insurer asked us not to call before (monotonic)."""
        self._handed_out = 0.0
        """The last time that was handed out (epoch ms)."""
        self._alarm: asyncio.TimerHandle | None = None
        self._holders = 1
        self.turned_away: dict[str, int] = {}
        """How many, by error code, since the start."""
        self.last_lost = ""
        """The claim whose act was lost last: a probe asks about it."""

    def share(self, holders: int) -> None:
        """``holders`` processes share what the insurer allows. Those who are in stay; the next ones count anew."""
        if holders != self._holders:
            self._holders = holders
            self.places.share(holders)
            for pace in self._paces:
                pace.share(holders)
            self._pump()

    def require_open(self, way: Way) -> None:
        """Asked before anything of an act is written. Raises ``NotNow``: closed, resting, or too many wait already."""
        if self.windows.ever_closed and (until := self.windows.closed_until(self._clock.epoch_ms())):
            raise self._turn_away("insurer-closed", until)
        if self.breaker.phase is _OPEN and (way is not _ASK or self.places.taken[_ASK]):
            rests = max(0.0, self.breaker.rests_until - self._clock.monotonic())
            raise self._turn_away("insurer-down", self._clock.epoch_ms() + int(rests * 1000))
        if self._waiting and len(self._queues[way]) >= self._limits.waiting:
            raise self._turn_away("insurer-busy", self._clock.epoch_ms())
        if self._quiet_until and self._quiet() > self._patience[way]:
            raise self._turn_away("insurer-asks-to-wait", self._clock.epoch_ms() + int(self._quiet() * 1000))

    def take(self, way: Way) -> bool:
        """A place, if there is one at once. Then ``leave`` must follow."""
        if self._waiting or self._quiet_until or not self.places.fits(way):
            return False
        now = self._clock.monotonic()
        for pace in self._paces:
            if pace.wait(now):
                return False
        self._seat(way, now)
        return True

    async def wait(self, way: Way) -> None:
        """A place, first come first served among those of one way. Raises ``NotNow``: none became free in time."""
        self.require_open(way)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._queues[way]
        queue.append(turn)
        self._waiting += 1
        self._pump()
        try:
            async with asyncio.timeout(self._patience[way]):
                await asyncio.shield(turn)
        except BaseException as gone:
            if turn.done() and turn.exception() is None:
                if isinstance(gone, TimeoutError):
                    return
                self.leave(way, None)
            elif not turn.done():
                queue.remove(turn)
                self._waiting -= 1
                turn.cancel()
            if isinstance(gone, TimeoutError):
                raise self._turn_away("insurer-busy", self._clock.epoch_ms()) from None
            raise

    def leave(self, way: Way, good: bool | None, claim_id: str = "") -> None:
        """Give the place back. ``good``: an answer came that could be read; None says nothing about the insurer."""
        self.places.leave(way)
        if good is False and claim_id:
            self.last_lost = claim_id
        if good is not None and self.breaker.saw(self._clock.monotonic(), good, way is _ASK):
            self._turned()
        if self.breaker.phase is _TRIAL:
            self.places.cap(self.breaker.at_once)
        if self._waiting:
            self._pump()

    @property
    def wants_probe(self) -> bool:
        """Whether it is time to find out if the insurer is back."""
        breaker = self.breaker
        if self.state != _OPEN or self.places.taken[_ASK]:
            return False
        return self._clock.monotonic() >= breaker.rests_until

    def heard(self, *, good: bool) -> None:
        """What a probe found that needed no place."""
        if self.breaker.saw(self._clock.monotonic(), good, True):
            self._turned()

    def without_key(self) -> NotNow:
        """For a message that could not be sealed: our key is away, ended or revoked, and nothing was made."""
        return self._turn_away("own-key-away", self._clock.epoch_ms() + _KEY_AGAIN_MS)

    def asked_to_wait(self, header: str) -> None:
        """The insurer answered 429 or 503 with this ``Retry-After``; it is obeyed for ``breaker.most`` at the longest."""
        wait = min(self._longest_wait, asked_wait(header, self._clock.now()))
        self._quiet_until = max(self._quiet_until, self._clock.monotonic() + wait)

    @property
    def state(self) -> int:
        """0 open, 1 on trial, 2 broken, 3 in its closed hours."""
        closed = self.windows.ever_closed and self.windows.closed_until(self._clock.epoch_ms())
        return 3 if closed else int(self.breaker.phase)

    def waiting(self, way: Way) -> int:
        return len(self._queues[way])

    def _quiet(self) -> float:
        left = self._quiet_until - self._clock.monotonic()
        if left <= 0:
            self._quiet_until = 0.0
        return max(0.0, left)

    def _turned(self) -> None:
        """The breaker opened, or lets the first one try."""
        self.places.cap(0 if self.breaker.phase is Phase.CLOSED else self.breaker.at_once)
        if self.breaker.phase is _OPEN:
            again = self._clock.epoch_ms() + int((self.breaker.rests_until - self._clock.monotonic()) * 1000)
            for way in (Way.UNDO, Way.COUNTER, Way.QUICK):
                for turn in self._drain(way):
                    turn.set_exception(self._turn_away("insurer-down", again))

    def _drain(self, way: Way) -> list[asyncio.Future[None]]:
        turns = list(self._queues[way])
        self._queues[way].clear()
        self._waiting -= len(turns)
        return turns

    def _pump(self) -> None:
        """Seat whoever can be seated now, the most urgent first."""
        now = self._clock.monotonic()
        for way in Way:
            queue = self._queues[way]
            while queue and self.places.fits(way):
                wait = max(self._quiet(), *(pace.wait(now) for pace in self._paces))
                if wait:
                    self._look_again(wait)
                    return
                self._waiting -= 1
                self._seat(way, now)
                queue.popleft().set_result(None)

    def _look_again(self, wait: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(wait, self._pump)

    def _seat(self, way: Way, now: float) -> None:
        self.places.take(way)
        for pace in self._paces:
            pace.take(now)

    def _turn_away(self, code: str, opens_at: int) -> NotNow:
        """With a time of its own to come again: each later than the one before."""
        self.turned_away[code] = self.turned_away.get(code, 0) + 1
        gap = 1000 / max(1.0, min(self._limits.per_second * _QUICK_PART, self._limits.concurrency) / self._holders)
        soonest = max(opens_at, self._clock.epoch_ms() + 1000)
        self._handed_out = max(self._handed_out + gap, soonest)
        return NotNow(
            "the insurer can't be called now; nothing was sent",
            code=code,
            opens_at=opens_at,
            again_at=int(self._handed_out),
            hint="see docs/lanes.md",
        )
