"""One run: a peer's or a hospital's book of one day against ours, and the items that say what differs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gateway.claims.ledger import Ledger
from gateway.claims.reconciliation import rows
from gateway.claims.reconciliation.book import Line, Standing
from gateway.claims.reconciliation.compare import Class, Compared, Difference, Edges, compare
from gateway.claims.reconciliation.days import bounds
from gateway.claims.reconciliation.lock import put_totals
from gateway.claims.reconciliation.statement import Statement, peer_lines
from gateway.kernel.errors import Conflict
from gateway.kernel.ids import new_recon_id
from gateway.store.api import Row
from gateway.store.unit import Unit

NOBODY = "-"
"""The hospital of lines that belong to none of ours that we know."""
_AUTO = "gateway"
_GONE = "gone-in-later-file"


@dataclass(frozen=True, slots=True)
class Books:
    ours: list[Line]
    by_hospital: dict[str, Row]
    carried: list[Row]
    """Items of the day before."""


class Runner:
    def __init__(self, ledger: Ledger, edge_ms: int) -> None:
        self._ledger = ledger
        self._edge_ms = edge_ms

    async def run(self, day: date, peer: str, statement: Statement, hospital: str = "") -> list[Row]:
        """Compare and write what differs; a later document of the same day replaces an earlier one.

        With ``hospital`` the document is that hospital's own book, else the peer's. Returns the books with their states.
        Raises ``Conflict`` (``day-not-locked``).
        """
        side = rows.HOSPITAL if hospital else rows.PEER
        read = self._ledger.read
        locked = await read(self._ledger.store.get, "recon_day", day=day.isoformat(), peer="*")
        if locked is None:
            raise Conflict(
                "this day's books are not locked", code="day-not-locked", hint="They are after the night's cut-off."
            )
        theirs = peer_lines(statement, peer, self._ledger.keys.vault)
        books = await read(self._books, day, peer, hospital, side, theirs)
        carried = [rows.carried_line(item, "") for item in books.carried]
        ours_carried = [line for line, item in zip(carried, books.carried, strict=True) if item["ours_standing"]]
        theirs_carried = [line for line, item in zip(carried, books.carried, strict=True) if item["theirs_standing"]]
        edges = Edges(bounds(day)[1], self._edge_ms)
        compared = compare([*books.ours, *ours_carried], [*theirs, *theirs_carried], edges)
        unit, work = Unit(), self._ledger.work()
        theirs_by = self._placed(unit, day, peer, books, compared, theirs, hospital)
        await self._write(unit, side, books, compared, theirs_by)
        work.unit.steps.extend(unit.steps)
        digest = statement.digest
        work.message(f"statement:{peer}:{day.isoformat()}:{side}", "in", statement.raw, digest, "", 0)
        await work.flush()
        return await read(rows.books, self._ledger.store, day.isoformat(), peer, hospital)

    def _books(self, day: date, peer: str, hospital: str, side: str, theirs: Sequence[Line]) -> Books:
        store = self._ledger.store
        found = rows.books(store, day.isoformat(), peer, hospital)
        ours = [line for book in found for line in rows.our_lines(store, book)]
        named = {one for line in theirs for one in line.ids}
        persons = any(line.person for line in theirs)
        ours = [line if line.ids & named else self._known(line, peer, persons) for line in ours]
        before = rows.books(store, (day - timedelta(days=1)).isoformat(), peer, hospital)
        items = rows.items_of(store, [book["recon_id"] for book in before], side)
        later = [item for item in items if item["class"] == Class.ROLL_OVER and item["state"] == rows.CARRIED]
        return Books(ours, {book["hospital"]: book for book in found}, later)

    def _known(self, line: Line, peer: str, persons: bool) -> Line:
        """Our line with the numbers that the peer gave us; they are opened only where our own number is not named."""
        person = rows.known_person(self._ledger, line) if persons else ""
        return replace(line, marks=rows.known_marks(self._ledger, line, peer), person=person)

    def _placed(
        self, unit: Unit, day: date, peer: str, books: Books, compared: Compared, theirs: Sequence[Line], hospital: str
    ) -> dict[str, list[Line]]:
        """The peer's lines by hospital: of the line of ours that they match, else as they say, else the only one."""
        of_pair = {line.key: ours.hospital for ours, line in compared.pairs if not line.carried and ours.hospital}
        only = next(iter(books.by_hospital)) if len(books.by_hospital) == 1 else NOBODY
        found: dict[str, list[Line]] = defaultdict(list)
        for line in theirs:
            found[hospital or of_pair.get(line.key) or line.hospital or only].append(line)
        now = self._ledger.clock.epoch_ms()
        for name in set(found) - set(books.by_hospital):
            row: Row = {"recon_id": new_recon_id(), "day": day.isoformat(), "peer": peer, "hospital": name}
            unit.insert("recon", **row, state="locked", locked_at=now, updated_at=now)
            books.by_hospital[name] = row | {"state": "locked"}
        return found

    async def _write(
        self, unit: Unit, side: str, books: Books, compared: Compared, theirs_by: dict[str, list[Line]]
    ) -> None:
        now = self._ledger.clock.epoch_ms()
        self._carried(unit, books, compared, now)
        fresh = await self._fresh(unit, compared, theirs_by, now)
        for name, book in books.by_hospital.items():
            if side == rows.HOSPITAL and name not in theirs_by and not fresh[name]:
                continue
            put_totals(unit, book["recon_id"], side, theirs_by.get(name, []))
            old = await self._ledger.read(rows.items_of, self._ledger.store, [book["recon_id"]], side)
            open_left = self._renew(unit, book["recon_id"], side, old, fresh[name], now)
            other = rows.PEER if side == rows.HOSPITAL else rows.HOSPITAL
            others = await self._ledger.read(rows.items_of, self._ledger.store, [book["recon_id"]], other)
            differs = open_left or any(item["state"] == rows.OPEN for item in others)
            state = book["state"] if side == rows.HOSPITAL and not differs else "differs" if differs else "equal"
            unit.update("recon", {"recon_id": book["recon_id"]}, state=state, updated_at=now)

    async def _fresh(
        self, unit: Unit, compared: Compared, theirs_by: dict[str, list[Line]], now: int
    ) -> dict[str, list[Difference]]:
        """What no earlier day explains, by hospital."""
        place = {line.key: name for name, lines in theirs_by.items() for line in lines}
        fresh: dict[str, list[Difference]] = defaultdict(list)
        for found in compared.differences:
            first = found.lines[0]
            if any(line.carried for line in found.lines):
                continue
            known = await self._ledger.read(self._known_before, found)
            if known is not None:
                rows.close_item(unit, known, "known-later", _AUTO, now)
            else:
                fresh[first.hospital if found.ours is not None else place[first.key]].append(found)
        return fresh

    def _known_before(self, found: Difference) -> Row | None:
        """An older item that this line explains: the peer had booked what we came to know only a day later."""
        if found.kind is not Class.ONLY_OURS or found.ours is None:
            return None
        older = self._ledger.store.find("recon_item", {"act_id": found.ours.key, "state": rows.OPEN}, limit=10)
        same = (item for item in older if item["theirs_standing"] == Standing.DONE)
        return next((item for item in same if item["theirs_amount"] == found.ours.amount), None)

    def _carried(self, unit: Unit, books: Books, compared: Compared, now: int) -> None:
        """What the day before left over is closed when it was found here, else it is a difference now."""
        items = {item["item_id"]: item for item in books.carried}
        for pair in compared.pairs:
            for line in pair:
                item = items.pop(line.carried, None)
                if item is not None:
                    rows.close_item(unit, item, "matched-next-day", _AUTO, now)
        for item in items.values():
            kind = Class.ONLY_OURS if item["ours_standing"] else Class.ONLY_THEIRS
            changes = {"class": kind.value, "state": rows.OPEN}
            unit.update("recon_item", {"item_id": item["item_id"]}, expect={"state": rows.CARRIED}, **changes)
            unit.update("recon", {"recon_id": item["recon_id"]}, state="differs", updated_at=now)

    def _renew(
        self, unit: Unit, recon_id: str, side: str, old: Sequence[Row], fresh: Sequence[Difference], now: int
    ) -> bool:
        """Keep owners and closed items of an earlier run; what is gone closes itself. Whether something is open now."""
        known = {item["line_key"]: item for item in old}
        still: set[str] = set()
        is_open = False
        for found in fresh:
            line = found.ours or found.theirs
            assert line is not None
            key = rows.line_key(line)
            still.add(key)
            item = known.get(key)
            if item is None:
                rows.put_item(unit, recon_id, side, found, now)
            elif not _settled(item, found):
                anew: Row = {"reason": "", "closed_by": "", "closed_at": 0}
                unit.update("recon_item", {"item_id": item["item_id"]}, **rows.described(found), **anew)
            is_open |= found.kind is not Class.ROLL_OVER and (item is None or not _settled(item, found))
        for item in old:
            if item["line_key"] not in still and item["state"] == rows.OPEN:
                rows.close_item(unit, item, _GONE, _AUTO, now)
        return is_open


def _settled(item: Row, found: Difference) -> bool:
    """Whether this very difference was closed for good: another one at the same line is open again."""
    told = rows.described(found)
    same = all(item[name] == told[name] for name in ("class", "ours_amount", "theirs_amount", "theirs_standing"))
    return item["state"] == rows.CLOSED and item["reason"] != _GONE and same
