"""The cut-off: after a day has ended our book of it is written down once, per peer and hospital, and never changed.

Nothing is noted on a bill's way. Looked at are the orders made since the last cut-off and the acts that had no place in a
day yet; each act has its line on the day on which its word came.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from gateway.claims.ledger import Ledger
from gateway.claims.reconciliation.book import Line, Standing, totals
from gateway.claims.reconciliation.booking import Booked, Booking
from gateway.claims.reconciliation.days import bounds
from gateway.kernel.errors import Conflict
from gateway.kernel.ids import id_floor, id_time, new_recon_id
from gateway.store.api import Row
from gateway.store.errors import Duplicate
from gateway.store.unit import Unit

ALL = "*"
"""The peer under which a day's own cut-off stands."""
_LATE_MS = 10 * 60_000
"""An order's id is made this long before its row at most."""
_PAGE = 500
_CLAIM, _UNDO = "claim", "undo"


@dataclass(slots=True)
class _Found:
    books: dict[tuple[str, str], list[Line]] = field(default_factory=lambda: defaultdict(list))
    """By insurer and hospital."""
    later: dict[tuple[str, str], str] = field(default_factory=dict)
    """What waits for a later day: claim or undo id and what it is, to the order's id."""


class OtherBook(Protocol):
    """A peer whose acts are not claims."""

    @property
    def peer(self) -> str: ...

    def lines(self, start: int, end: int) -> Mapping[str, list[Line]]:
        """Our lines of a day by hospital. Asked inside ``read``."""
        ...


class CutOff:
    def __init__(self, ledger: Ledger, booking: Booking, others: Sequence[OtherBook] = ()) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._booking = booking
        self._others = others

    def last(self) -> Row | None:
        """The newest day that is locked."""
        found = self._store.find("recon_day", {"peer": ALL}, order_by="-day", limit=1)
        return found[0] if found else None

    async def lock(self, day: date) -> None:
        """Write down the books of a day that has ended. Raises ``Conflict``: ``day-locked``, ``day-not-over``."""
        start, end = bounds(day)
        if self._ledger.clock.epoch_ms() < end:
            raise Conflict("this day is not over", code="day-not-over", hint="Its books are locked after midnight.")
        before = await self._ledger.read(self.last)
        if before is not None and before["day"] >= day.isoformat():
            raise Conflict("this day's books are locked", code="day-locked", hint="Run its comparison again.")
        floor = before["digest"] if before is not None else id_floor("", start - 86_400_000)
        found = _Found()
        newest = await self._look(floor, end, found)
        for other in self._others:
            for hospital, lines in (await self._ledger.read(other.lines, start, end)).items():
                found.books[other.peer, hospital] += lines
        for (peer, hospital), lines in sorted(found.books.items()):
            with suppress(Duplicate):  # written before a crash
                await self._store.commit(self.book(day, peer, hospital, lines))
        await self._store.commit(self._done(day, found, newest))

    async def _look(self, floor: str, end: int, found: _Found) -> str:
        """Everything that may have a line. Returns the floor of the next cut-off."""
        newest = floor
        after: tuple[str | int, ...] | None = None
        while True:
            claims = await self._ledger.read(self._claims, floor, after)
            for claim in claims:
                await self._ledger.read(self._book_claim, claim, end, found)
            if len(claims) < _PAGE:
                break
            after = (claims[-1]["order_id"], claims[-1]["seq"])
        if claims:
            newest = id_floor("", id_time(claims[-1]["order_id"]) - _LATE_MS)
        await self._ledger.read(self._book_open, end, found)
        await self._ledger.read(self._book_undos, floor, end, found)
        return max(newest, floor)

    def _claims(self, floor: str, after: tuple[str | int, ...] | None) -> list[Row]:
        return self._store.find("claim", {"order_id": (">=", "ord" + floor)}, limit=_PAGE, after=after)

    def _book_claim(self, claim: Row, end: int, found: _Found) -> None:
        if self._is_booked(claim["claim_id"]):
            return
        booked = self._booking.claim(claim, self._hospital(claim["order_id"]))
        self._place(booked, claim["claim_id"], _CLAIM, claim["order_id"], end, found)

    def _is_booked(self, claim_id: str) -> bool:
        """Whether an earlier day has this claim's final word: the floor lies some minutes low."""
        rows = self._store.find("recon_line", {"claim_id": claim_id, "kind": "pay"}, limit=20)
        return any(row["standing"] != Standing.UNKNOWN for row in rows)

    def _book_open(self, end: int, found: _Found) -> None:
        for row in self._open(_CLAIM):
            for claim in self._ledger.claim_rows(row["order_id"]):
                if claim["claim_id"] == row["claim_id"] and (row["claim_id"], _CLAIM) not in found.later:
                    known = (claim["insurer"], self._hospital(row["order_id"]))
                    if all(line.claim_id != row["claim_id"] for line in found.books.get(known, ())):
                        self._book_claim(claim, end, found)

    def _book_undos(self, floor: str, end: int, found: _Found) -> None:
        fresh = self._store.find("undo", {"undo_id": (">=", "und" + floor)}, limit=10_000)
        older = [self._store.get("undo", undo_id=row["claim_id"]) for row in self._open(_UNDO)]
        undos = {row["undo_id"]: row for row in (*fresh, *older) if row is not None}
        for undo in undos.values():
            legs, ended = self._booking.legs(undo, self._hospital(undo["order_id"]))
            for leg in legs:
                if leg.line is not None and not self._store.find("recon_line", {"act_id": leg.line.key}, limit=1):
                    self._place(leg, undo["undo_id"], _UNDO, undo["order_id"], end, found)
            if not ended:
                found.later[undo["undo_id"], _UNDO] = undo["order_id"]

    def _open(self, kind: str) -> Iterator[Row]:
        after: tuple[str, str] | None = None
        while True:
            rows = self._store.find("recon_open", {"kind": kind}, limit=_PAGE, after=after)
            yield from rows
            if len(rows) < _PAGE:
                return
            after = (rows[-1]["claim_id"], kind)

    def _place(self, booked: Booked, what: str, kind: str, order_id: str, end: int, found: _Found) -> None:
        line = booked.line
        if line is not None and (line.at < end or not booked.final):
            found.books[booked.insurer, line.hospital].append(line)
        if not booked.final or (line is not None and line.at >= end):
            found.later[what, kind] = order_id

    def _hospital(self, order_id: str) -> str:
        row = self._ledger.bill_row(order_id)
        return row["hospital"] if row is not None else ""

    def book(self, day: date, peer: str, hospital: str, lines: list[Line]) -> Unit:
        """One book of one day, locked: its lines and what they sum to."""
        unit, recon_id, now = Unit(), new_recon_id(), self._ledger.clock.epoch_ms()
        head = {"recon_id": recon_id, "peer": peer, "hospital": hospital, "day": day.isoformat()}
        unit.insert("recon", **head, state="locked", locked_at=now, updated_at=now)
        for line in lines:
            ids = {"order_id": line.order_id, "claim_id": line.claim_id}
            kinds = {"kind": line.kind.value, "standing": line.standing.value}
            unit.insert(
                "recon_line",
                recon_id=recon_id,
                line_key=f"{line.kind.value}:{line.key}",
                act_id=line.key,
                amount=line.amount,
                at=line.at,
                **ids,
                **kinds,
            )
        put_totals(unit, recon_id, "ours", lines)
        return unit

    def _done(self, day: date, found: _Found, newest: str) -> Unit:
        unit, now = Unit(), self._ledger.clock.epoch_ms()
        for kind in (_CLAIM, _UNDO):
            unit.delete("recon_open", {"kind": kind})
        for (what, kind), order_id in found.later.items():
            unit.insert("recon_open", claim_id=what, kind=kind, order_id=order_id)
        times = {"attempts": 0, "next_at": 0, "updated_at": now}
        return unit.insert("recon_day", day=day.isoformat(), peer=ALL, state="locked", digest=newest, **times)


def put_totals(unit: Unit, recon_id: str, side: str, lines: list[Line]) -> None:
    unit.delete("recon_total", {"recon_id": recon_id, "side": side})
    for (kind, standing), total in totals(lines).items():
        place = {"recon_id": recon_id, "side": side, "kind": kind.value, "standing": standing.value}
        unit.insert("recon_total", **place, count_of=total.count, amount=total.amount)
