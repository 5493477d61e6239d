"""What persons do with differences: look, own, and close them by two-person entries. Our lines are never edited."""

from typing import Any, Literal

import msgspec

from gateway.claims.custody.wish import sound_reason
from gateway.claims.ledger import Ledger
from gateway.claims.operators.roles import Operator, Role
from gateway.claims.reconciliation import rows
from gateway.claims.reconciliation.book import Standing
from gateway.kernel.errors import BadRequest, Conflict, NotFound
from gateway.kernel.ids import new_entry_id
from gateway.store.api import Row
from gateway.store.errors import StaleWrite
from gateway.store.unit import Unit

_PAGE = 200


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    item_id: str
    action: Literal["adjust", "explain"]
    """``adjust``: our book follows the peer's by a new entry. ``explain``: ours stands, and the evidence says why."""
    evidence: str
    """Number of the letter, call or ticket that it rests on."""


class Owned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    owner: str


class ReconDesk:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._store = ledger.store

    def overview(self, day: str, peer: str, state: str) -> list[dict[str, Any]]:
        """Books with their totals. Asked inside ``read``."""
        asked = {"day": day, "peer": peer, "state": state}
        where = {name: value for name, value in asked.items() if value}
        return [self._book(book) for book in self._store.find("recon", where, limit=_PAGE)]

    def _book(self, book: Row) -> dict[str, Any]:
        recon_id = book["recon_id"]
        sums = self._store.find("recon_total", {"recon_id": recon_id}, limit=100)
        entries = self._store.find("recon_entry", {"recon_id": recon_id}, limit=_PAGE)
        adjusted = sum(one["amount"] for one in entries if one["state"] == "approved")
        opened = self._store.tally("recon_item", "state", {"recon_id": recon_id})
        shown = {name: book[name] for name in ("recon_id", "day", "peer", "hospital", "state", "locked_at")}
        names = ("side", "kind", "standing")
        totals = [
            {name: one[name] for name in names} | {"count": one["count_of"], "amount_fen": one["amount"]}
            for one in sums
        ]
        counts = {state: opened[state].count if state in opened else 0 for state in ("open", "carried", "closed")}
        return shown | {"totals": totals, "differences": counts, "adjusted_fen": adjusted}

    def story(self, recon_id: str) -> dict[str, Any]:
        """One book whole: totals, differences and entries. Raises ``NotFound``."""
        book = self._store.get("recon", recon_id=recon_id)
        if book is None:
            raise NotFound("no such book", code="recon-unknown")
        items = rows.all_rows(self._store, "recon_item", {"recon_id": recon_id}, ("item_id",))
        entries = rows.all_rows(self._store, "recon_entry", {"recon_id": recon_id}, ("entry_id",))
        return self._book(book) | {
            "items": [shown_item(one) for one in items],
            "entries": [shown_entry(one) for one in entries],
        }

    def lines(self, recon_id: str) -> tuple[Row, list[Row]]:
        book = self._store.get("recon", recon_id=recon_id)
        if book is None:
            raise NotFound("no such book", code="recon-unknown")
        return book, rows.all_rows(self._store, "recon_line", {"recon_id": recon_id}, ("recon_id", "line_key"))

    async def own(self, who: Operator, item_id: str, owner: str) -> dict[str, Any]:
        """Say who takes care of a difference."""
        who.require(Role.RE_DRIVE)
        name = sound_reason(owner, "owner:")
        item = await self._ledger.read(self._open_item, item_id)
        work = self._ledger.work()
        work.unit.update("recon_item", {"item_id": item_id}, expect={"state": item["state"]}, owner=name)
        work.audit("difference-owned", who.signature, name, item_id)
        await work.flush()
        return shown_item(item | {"owner": name})

    def _open_item(self, item_id: str) -> Row:
        item = self._store.get("recon_item", item_id=item_id)
        if item is None:
            raise NotFound("no such difference", code="difference-unknown")
        if item["state"] != rows.OPEN:
            raise Conflict("this difference is not open", code="difference-closed", hint="Look at its reason.")
        return item

    async def propose(self, who: Operator, wish: Entry) -> dict[str, Any]:
        """Raises ``NotFound``, ``Conflict``, ``BadRequest`` or ``RoleMissing``. The amount follows from the books."""
        who.require(Role.RE_DRIVE)
        evidence = sound_reason(wish.evidence, "evidence:")
        item = await self._ledger.read(self._open_item, wish.item_id)
        if not item["owner"]:
            raise Conflict("this difference has no owner", code="difference-unowned", hint="Say who owns it first.")
        entry: Row = {
            "entry_id": new_entry_id(),
            "item_id": item["item_id"],
            "recon_id": item["recon_id"],
            "action": wish.action,
            "evidence": evidence,
            "proposed_by": who.name,
            "proposed_with": who.proof,
            "amount": gap(item) if wish.action == "adjust" else 0,
            "proposed_at": self._ledger.clock.epoch_ms(),
            "state": "proposed",
            "settled_by": "",
            "settled_at": 0,
        }
        work = self._ledger.work()
        work.unit.insert("recon_entry", **entry)
        work.audit("entry-proposed", who.signature, evidence, entry["entry_id"])
        await work.flush()
        return shown_entry(entry)

    async def settle(self, who: Operator, entry_id: str, *, approve: bool) -> dict[str, Any]:
        """Approve somebody else's entry, which closes the difference, or withdraw one.

        Raises ``Conflict``: ``two-persons``, ``entry-settled``, ``difference-closed``.
        """
        who.require(Role.CONFIGURE if approve else Role.RE_DRIVE)
        entry, item, is_last = await self._ledger.read(self._proposed, entry_id)
        if approve and (who.name.casefold() == entry["proposed_by"].casefold() or who.proof == entry["proposed_with"]):
            raise Conflict(
                "an entry is approved by another person than who proposed it",
                code="two-persons",
                hint="Have a colleague approve it, with their own token or certificate.",
            )
        state, now = "approved" if approve else "withdrawn", self._ledger.clock.epoch_ms()
        work = self._ledger.work()
        settled: dict[str, Any] = {"state": state, "settled_by": who.name, "settled_at": now}
        unit = work.unit
        unit.update("recon_entry", {"entry_id": entry_id}, expect={"state": "proposed"}, **settled)
        if approve:
            self._close(unit, item, entry, who, now)
            if is_last:
                unit.update("recon", {"recon_id": item["recon_id"]}, state="closed", updated_at=now)
        work.audit(f"entry-{state}", who.signature, entry["evidence"], entry_id)
        try:
            await work.flush()
        except StaleWrite:
            raise Conflict("the difference changed meanwhile", code="difference-closed", hint="Look again.") from None
        return shown_entry(entry | settled)

    def _proposed(self, entry_id: str) -> tuple[Row, Row, bool]:
        """The entry, its difference, and whether that is the last one open of its book."""
        entry = self._store.get("recon_entry", entry_id=entry_id)
        if entry is None:
            raise NotFound("no such entry", code="entry-unknown")
        if entry["state"] != "proposed":
            raise Conflict("this entry is settled", code="entry-settled", hint="Propose a new one.")
        item = self._open_item(entry["item_id"])
        where = {"recon_id": item["recon_id"], "state": rows.OPEN}
        return entry, item, len(self._store.find("recon_item", where, limit=2)) == 1

    def _close(self, unit: Unit, item: Row, entry: Row, who: Operator, now: int) -> None:
        if entry["action"] == "adjust" and entry["amount"] != gap(item):
            raise Conflict("the difference changed meanwhile", code="difference-closed", hint="Propose it anew.")
        rows.close_item(unit, item, f"{entry['action']}:{entry['entry_id']}", who.name, now)

    def figures(self) -> dict[str, tuple[int, int, int]]:
        """By peer: open differences, their amount in 分, books not compared. Asked inside ``read``."""
        found: dict[str, list[int]] = {}
        peers: dict[str, str] = {}
        for state in ("differs", "locked", "no_file"):
            for book in self._store.find("recon", {"state": state}, limit=10_000):
                peers[book["recon_id"]] = book["peer"]
                found.setdefault(book["peer"], [0, 0, 0])[2] += state != "differs"
        for item in self._store.find("recon_item", {"state": rows.OPEN}, limit=10_000):
            figure = found.setdefault(peers.get(item["recon_id"], "other"), [0, 0, 0])
            figure[0] += 1
            figure[1] += abs(gap(item))
        return {peer: (one[0], one[1], one[2]) for peer, one in found.items()}


def gap(item: Row) -> int:
    """What must be added to our book so that it says what the other one says, in 分."""
    ours = item["ours_amount"] if item["ours_standing"] == Standing.DONE else 0
    theirs = item["theirs_amount"] if item["theirs_standing"] == Standing.DONE else 0
    return int(theirs - ours)


def shown_item(item: Row) -> dict[str, Any]:
    names = ("item_id", "side", "class", "state", "kind", "order_id", "claim_id", "act_id", "line_number", "at")
    more = ("ours_standing", "theirs_standing", "owner", "reason", "closed_by", "created_at", "closed_at")
    amounts = {f"{side}_fen": item[f"{side}_amount"] for side in ("ours", "theirs")}
    return {name: item[name] for name in names + more} | amounts | {"gap_fen": gap(item)}


def shown_entry(entry: Row) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "proposed_with"}


def require_state(state: str) -> None:
    """Raises ``BadRequest`` for a state that books don't have."""
    if state not in ("", "locked", "no_file", "equal", "differs", "closed"):
        raise BadRequest("no such state of a book", code="recon-state", hint="locked, no_file, equal, differs, closed")
