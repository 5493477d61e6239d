"""Erasure by key destruction: for an order, a person, or whatever has outlived its class."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.claims.custody.bills import bills_of, is_at_rest, key_row, key_rows
from gateway.claims.custody.wish import Wish, require_reason
from gateway.claims.ledger import Ledger
from gateway.kernel.errors import BadRequest, Conflict
from gateway.store import data_keys
from gateway.store.api import Row
from gateway.store.unit import Unit

_AT_ONCE = 200
_YEAR_MS = 31_556_952_000


async def erase(ledger: Ledger, who: str, wish: Wish) -> dict[str, Any]:
    """Destroy the keys of one order or of all of a person's. Bills that still need their content are left and named.

    Raises ``Conflict`` (``order-open``) when the one order asked for is not at rest.
    """
    reason = require_reason(wish)
    if bool(wish.order_id) == bool(wish.cert_no):
        raise BadRequest("name an order or a person", code="erase-whom", hint="--order ORDER, or --person.")
    ready, left = await ledger.read(_ready, ledger, wish)
    if wish.order_id and left:
        raise Conflict(
            "the order is not at rest, its content is still needed",
            code="order-open",
            hint="Wait until it is decided and nothing is left to be done for it, then ask again.",
        )
    await _destroy(ledger, ready, who, "erased", reason)
    return {"erased": [row["order_id"] for row in ready], "left_because_open": left}


def _ready(ledger: Ledger, wish: Wish) -> tuple[list[Row], list[str]]:
    """Data keys that may go, and the orders that still need theirs."""
    rows = bills_of(ledger, wish.cert_no) if wish.cert_no else [key_row(ledger, wish.order_id)]
    ready: list[Row] = []
    left: list[str] = []
    for row in rows:
        if row["erased_at"]:
            continue
        if is_at_rest(ledger, row):
            ready.append(row)
        else:
            left.append(row["order_id"])
    return ready, left


async def retain(ledger: Ledger, years: Mapping[str, int], who: str, wish: Wish) -> dict[str, Any]:
    """What has outlived its class, by class; with ``apply`` its keys are destroyed."""
    plan, due = await ledger.read(_outlived, ledger, years)
    if wish.apply:
        await _destroy(ledger, due, who, "retention-over", require_reason(wish))
    return {"applied": wish.apply, "classes": plan}


def _outlived(ledger: Ledger, years: Mapping[str, int]) -> tuple[dict[str, dict[str, int]], list[Row]]:
    """Figures by class, and the data keys that are due."""
    now = ledger.clock.epoch_ms()
    plan: dict[str, dict[str, int]] = {}
    due: list[Row] = []
    for row in key_rows(ledger, erased_at=0):
        kept = years.get(row["data_class"])
        figures = plan.setdefault(row["data_class"], {"years": kept or 0, "kept": 0, "due": 0, "due_but_open": 0})
        if kept is None or row["created_at"] > now - kept * _YEAR_MS:
            figures["kept"] += 1
        elif is_at_rest(ledger, row):
            figures["due"] += 1
            due.append(row)
        else:
            figures["due_but_open"] += 1
    return plan, due


async def _destroy(ledger: Ledger, rows: list[Row], who: str, kind: str, reason: str) -> None:
    """Overwrite the keys, forget them, and empty the log, so that no page keeps an old copy."""
    now = ledger.clock.epoch_ms()
    for some in _portions(rows):
        unit = Unit()
        for row in some:
            data_keys.erase(unit, row, now)
            unit.insert("audit", at=now, kind=kind, who=who, order_id=row["order_id"], reason=reason, detail="")
        await ledger.store.commit(unit)
        for row in some:
            ledger.keys.forget(row["order_id"])
    if rows:
        await ledger.store.checkpoint()


async def rewrap(ledger: Ledger, who: str, wish: Wish) -> dict[str, Any]:
    """Wrap every data key under the current master key. An old master key may go when nothing names it any more."""
    reason, vault = require_reason(wish), ledger.keys.vault
    rows = await ledger.read(lambda: list(key_rows(ledger, erased_at=0, master=("!=", vault.current))))
    for some in _portions(rows):
        unit = Unit()
        for row in some:
            data_keys.rewrap(unit, row, vault)
        detail = f"{len(some)}:{vault.current}"
        now = ledger.clock.epoch_ms()
        unit.insert("audit", at=now, kind="rewrapped", who=who, order_id="", reason=reason, detail=detail)
        await ledger.store.commit(unit)
    if rows:
        await ledger.store.checkpoint()
    by_master = await ledger.read(ledger.store.tally, "data_key", "master", {"erased_at": 0})
    return {"rewrapped": len(rows), "keys_by_master": {name: found.count for name, found in by_master.items()}}


def _portions(rows: list[Row]) -> Iterable[list[Row]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
