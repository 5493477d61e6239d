"""Items and books as rows, and back as lines."""

from collections.abc import Iterable
from typing import Any

from gateway.claims.ledger import Ledger
from gateway.claims.reconciliation.book import Kind, Line, Standing
from gateway.claims.reconciliation.compare import Class, Difference
from gateway.claims.safe import ref_id
from gateway.kernel.ids import is_id, new_difference_id
from gateway.store.api import AnyStore, Row
from gateway.store.errors import VaultRefused
from gateway.store.unit import Unit

PEER, HOSPITAL = "peer", "hospital"
"""Whose book an item is about."""
OPEN, CARRIED, CLOSED = "open", "carried", "closed"
_ALL = 10_000
_OURS = ("act_", "clm_", "ord_", "stl_")


def books(store: AnyStore, day: str, peer: str, hospital: str = "") -> list[Row]:
    """A peer's locked books of one day. Asked inside ``read``."""
    where = {"day": day, "peer": peer} | ({"hospital": hospital} if hospital else {})
    return store.find("recon", where, limit=_ALL)


def all_rows(store: AnyStore, table: str, where: dict[str, Any], key: tuple[str, ...]) -> list[Row]:
    """Every row, page by page."""
    found: list[Row] = []
    while True:
        after = tuple(found[-1][name] for name in key) if found else None
        rows = store.find(table, where, limit=_ALL, after=after)
        found += rows
        if len(rows) < _ALL:
            return found


def our_lines(store: AnyStore, book: Row) -> list[Line]:
    rows = all_rows(store, "recon_line", {"recon_id": book["recon_id"]}, ("recon_id", "line_key"))
    return [our_line(row, book["hospital"]) for row in rows]


def our_line(row: Row, hospital: str) -> Line:
    return Line(
        key=row["act_id"],
        kind=Kind(row["kind"]),
        standing=Standing(row["standing"]),
        amount=row["amount"],
        at=row["at"],
        ids=frozenset({row["act_id"], row["claim_id"]} - {""}),
        hospital=hospital,
        order_id=row["order_id"],
        claim_id=row["claim_id"],
    )


def known_marks(ledger: Ledger, line: Line, peer: str) -> frozenset[str]:
    """The peer's numbers that we were told for this act, blinded; none once the bill was erased. Asked inside ``read``."""
    if not line.claim_id or not line.order_id:
        return frozenset()
    refs = ledger.store.find("ref", {"claim_id": line.claim_id}, limit=1000)
    try:
        vault = ledger.keys.of(line.order_id)
        opened = [vault.open_text(ref_id(line.claim_id, ref["name"]), ref["value"], "ref") for ref in refs]
    except VaultRefused:
        return frozenset()
    return frozenset(ledger.keys.vault.blind(f"peer:{peer}", one) for one in opened)


def known_person(ledger: Ledger, line: Line) -> str:
    row = ledger.store.get("data_key", order_id=line.order_id)
    return str(row["person"] or "") if row is not None else ""


def carried_line(item: Row, hospital: str) -> Line:
    """What was left over near midnight the day before, as a line of this day."""
    ours = item["class"] == Class.ROLL_OVER and item["ours_standing"] != ""
    ids = {item["act_id"], item["claim_id"]} if ours else {item["act_id"]}
    return Line(
        key=item["line_key"],
        kind=Kind(item["kind"]),
        standing=Standing.DONE,
        amount=item["ours_amount"] if ours else item["theirs_amount"],
        at=item["at"],
        ids=frozenset(ids - {""}),
        marks=frozenset(item["marks"].split()),
        hospital=hospital,
        order_id=item["order_id"],
        claim_id=item["claim_id"],
        carried=item["item_id"],
    )


def described(found: Difference) -> dict[str, Any]:
    """The columns that say what differs. Of the peer's numbers only those of our own form are kept in the clear."""
    ours, theirs = found.ours, found.theirs
    line = ours or theirs
    assert line is not None
    named = "" if theirs is None else next((one for one in theirs.ids if one.startswith(_OURS) and is_id(one)), "")
    return {
        "class": found.kind.value,
        "state": CARRIED if found.kind is Class.ROLL_OVER else OPEN,
        "kind": line.kind.value,
        "order_id": line.order_id,
        "claim_id": line.claim_id,
        "act_id": ours.key if ours is not None else named,
        "ours_standing": ours.standing.value if ours is not None else "",
        "theirs_standing": theirs.standing.value if theirs is not None else "",
        "marks": " ".join(sorted(line.marks)),
        "ours_amount": ours.amount if ours is not None else 0,
        "theirs_amount": theirs.amount if theirs is not None else 0,
        "at": line.at,
        "line_number": theirs.number if theirs is not None else 0,
    }


def put_item(unit: Unit, recon_id: str, side: str, found: Difference, now: int) -> None:
    line = found.ours or found.theirs
    assert line is not None
    unit.insert(
        "recon_item",
        item_id=new_difference_id(),
        recon_id=recon_id,
        side=side,
        line_key=line_key(line),
        owner="",
        reason="",
        closed_by="",
        created_at=now,
        closed_at=0,
        **described(found),
    )


def line_key(line: Line) -> str:
    return f"{line.kind.value}:{line.key}" if not line.carried else line.key


def close_item(unit: Unit, item: Row, reason: str, by: str, now: int) -> None:
    key = {"item_id": item["item_id"]}
    unit.update(
        "recon_item", key, expect={"state": item["state"]}, state=CLOSED, reason=reason, closed_by=by, closed_at=now
    )


def items_of(store: AnyStore, recon_ids: Iterable[str], side: str) -> list[Row]:
    found: list[Row] = []
    for recon_id in recon_ids:
        found += all_rows(store, "recon_item", {"recon_id": recon_id, "side": side}, ("item_id",))
    return found
