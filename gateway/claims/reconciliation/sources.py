"""Where a peer's daily book comes from by itself."""

from datetime import date
from typing import Protocol

from gateway.claims.partners.dispatching import operational_dispatch
from gateway.claims.partners.partner import Partner
from gateway.claims.reconciliation.statement import Statement
from gateway.kernel.clock import Clock
from gateway.kernel.errors import OutcomeUnknown

_ROLE = "statement"


class Source(Protocol):
    @property
    def peer(self) -> str: ...

    async def fetch(self, day: date) -> Statement | None:
        """The peer's book of a day; None while it has none yet. Raises ``LianpeiError`` when it can't be had or read."""
        ...


class InsurerSource:
    """An insurer whose folder has an act with the role ``statement``: ``refs.day`` is the day as 20261121."""

    def __init__(self, partner: Partner, act: str, clock: Clock) -> None:
        self._partner = partner
        self._act = act
        self._clock = clock

    @property
    def peer(self) -> str:
        return self._partner.code

    async def fetch(self, day: date) -> Statement | None:
        dispatch = operational_dispatch(self._act, self._clock.now(), {"day": f"{day:%Y%m%d}"})
        reply = await self._partner.exchange(self._partner.prepare(dispatch), dispatch)
        if reply.result.state == "not_found":
            return None
        if reply.result.state != "accepted":
            raise OutcomeUnknown("the partner gave no statement", code="statement-refused")
        return Statement(reply.result.statement, reply.raw)


def insurer_source(partner: Partner, clock: Clock) -> InsurerSource | None:
    acts = [name for name, rule in partner.manifest.acts.items() if rule.role == _ROLE and name in partner.acts]
    return InsurerSource(partner, acts[0], clock) if acts else None
