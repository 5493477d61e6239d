"""Reconciliation as one thing that doors talk to: the night's work, runs on demand, files in and out, and the desk."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.claims.ledger import Ledger
from gateway.claims.operators.roles import Operator, Role
from gateway.claims.reconciliation import report, rows
from gateway.claims.reconciliation.desk import ReconDesk
from gateway.claims.reconciliation.night import Night
from gateway.claims.reconciliation.run import Runner
from gateway.claims.reconciliation.statement import read_csv, write_csv
from gateway.kernel.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class ReconOffice:
    ledger: Ledger
    night: Night
    runner: Runner
    desk: ReconDesk

    async def run(self, who: Operator, day: date, peer: str) -> list[dict[str, Any]]:
        """Lock the day if it is not, and compare with the peer's book as it is now. Raises ``NotFound``: no file."""
        who.require(Role.RE_DRIVE)
        store = self.ledger.store
        if await self.ledger.read(store.get, "recon_day", day=day.isoformat(), peer="*") is None:
            await self.night.lock(day)
        if not await self.night.ask(day, peer):
            raise NotFound(
                "the peer has no book of this day", code="no-file-yet", hint="It is asked for again by itself."
            )
        return await self.ledger.read(self.desk.overview, day.isoformat(), peer, "")

    async def bring(self, who: Operator, day: date, peer: str, document: bytes, hospital: str) -> list[dict[str, Any]]:
        """Compare with a book in our CSV form: the peer's, or with ``hospital`` that hospital's own."""
        who.require(Role.RE_DRIVE)
        await self.runner.run(day, peer, read_csv(document), hospital)
        return await self.ledger.read(self.desk.overview, day.isoformat(), peer, "")

    async def hospital_brings(self, hospital: str, day: date, peer: str, document: bytes) -> dict[str, Any]:
        """A hospital's own book of a day. What differs is told at once, our numbers only."""
        [book] = await self.runner.run(day, peer, read_csv(document), hospital)
        story = await self.ledger.read(self.desk.story, book["recon_id"])
        names = ("class", "kind", "order_id", "claim_id", "act_id", "line_number", "ours_fen", "theirs_fen")
        mine = [item for item in story["items"] if item["side"] == rows.HOSPITAL and item["state"] != rows.CLOSED]
        differs = [{name: item[name] for name in names} for item in mine]
        return {"day": day.isoformat(), "insurer": peer, "equal": not differs, "differences": differs}

    async def hospital_reads(self, hospital: str, day: date, peer: str) -> bytes:
        """Our locked book for that hospital, as CSV. Raises ``Conflict`` before the cut-off."""
        store = self.ledger.store
        if await self.ledger.read(store.get, "recon_day", day=day.isoformat(), peer="*") is None:
            raise Conflict(
                "this day's books are not locked", code="day-not-locked", hint="Ask after the night's cut-off."
            )
        found = await self.ledger.read(rows.books, store, day.isoformat(), peer, hospital)
        lines = (await self.ledger.read(self.desk.lines, found[0]["recon_id"]))[1] if found else []
        return write_csv(lines, hospital)

    async def export(self, who: Operator, recon_id: str, form: str) -> tuple[bytes, str]:
        """A book as a page (``html``), its differences (``csv``) or our own lines (``lines``), with the content type."""
        who.require(Role.VIEW)
        if form == "lines":
            book, lines = await self.ledger.read(self.desk.lines, recon_id)
            return write_csv(lines, book["hospital"]), "text/csv; charset=utf-8"
        story = await self.ledger.read(self.desk.story, recon_id)
        if form == "csv":
            return report.as_csv(story), "text/csv; charset=utf-8"
        return report.as_html(story), "text/html; charset=utf-8"
