"""A payment channel as a peer of reconciliation: what the window knows, in the form in which books are compared.

It stands above both rooms, because the window reads no record of the claims room and the claims room calls no window.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from gateway.claims.canonical.dispatch import StatementLine
from gateway.claims.reconciliation.book import Kind, Line, Standing
from gateway.claims.reconciliation.statement import Statement
from gateway.clearing.statement import Settled, StatementDoor, settled
from gateway.store.api import AnyStore


class SettlementBook:
    """Our own book: each settlement on the day of its last word."""

    def __init__(self, store: AnyStore, channel: str) -> None:
        self._store = store
        self.peer = channel

    def lines(self, start: int, end: int) -> Mapping[str, list[Line]]:
        """By hospital, for a day from ``start`` to ``end`` (epoch ms). Asked inside ``read``."""
        found: dict[str, list[Line]] = defaultdict(list)
        for one in settled(self._store, self.peer, start, end):
            found[one.hospital].append(_line(one))
        return found


def _line(one: Settled) -> Line:
    return Line(
        key=one.settlement_id,
        kind=Kind.REFUND if one.is_refund else Kind.PAY,
        standing=Standing(one.standing),
        amount=one.amount,
        at=one.at,
        ids=frozenset({one.settlement_id}),
        hospital=one.hospital,
        order_id=one.order_id,
    )


class ChannelSource:
    """The channel's statement."""

    def __init__(self, channel: str, door: StatementDoor) -> None:
        self.peer = channel
        self._door = door

    async def fetch(self, day: date) -> Statement | None:
        found = await self._door.statement(self.peer, f"{day:%Y%m%d}")
        if found is None:
            return None
        raw, told = found
        lines = [
            StatementLine(our_id=one.number, kind=one.kind, state=one.state, amount=one.amount, at=one.at)
            for one in told.lines
        ]
        return Statement(lines, raw)
