"""The cash leg of an undo: it ends when every refund that belongs to it has ended."""

from collections.abc import Sequence

from gateway.kernel.ids import change_no
from gateway.kernel.settlements import OPEN, State
from gateway.store.api import AnyStore, Row
from gateway.store.claims_tables import DUE_NOW
from gateway.store.unit import Unit

REFUND = "refund"
_FAILED = frozenset({State.FAILED})


def refund_kind(undo_id: str, number: int) -> str:
    """Kind of the settlement row of an undo's refund; further ones when several payments give back, or one is tried again."""
    return f"{REFUND}:{undo_id}" if number == 1 else f"{REFUND}:{undo_id}:{number}"


def refunds_of(rows: Sequence[Row], undo_id: str) -> list[Row]:
    """An undo's refunds among a bill's settlements, failed tries included."""
    return [row for row in rows if row["kind"].split(":")[:2] == [REFUND, undo_id]]


def last_tries(refunds: Sequence[Row]) -> list[Row]:
    """The last refund for each payment that gives back: an operator may have had a failed one tried again."""
    return list({row["original"]: row for row in sorted(refunds, key=_number)}.values())


def _number(row: Row) -> int:
    number = row["kind"].partition(":")[2].partition(":")[2]
    return int(number or 1)


async def cash_leg(store: AnyStore, unit: Unit, row: Row, state: State, now: int) -> None:
    """Add the leg's end to the unit when ``row`` (about to be ``state``) was the last refund of its undo."""
    if not row["kind"].startswith(f"{REFUND}:"):
        return
    undo_id = row["kind"].split(":")[1]
    rows = await store.read(store.find, "settlement", {"order_id": row["order_id"]}, limit=1000)
    mine = last_tries(refunds_of(rows, undo_id))
    states = [state if one["kind"] == row["kind"] else State(one["state"]) for one in mine]
    if not any(one in OPEN for one in states):
        await end_leg(store, unit, undo_id, *_verdict(states, row), now=now)


def _verdict(states: list[State], row: Row) -> tuple[str, str]:
    if all(one is State.PAID for one in states):
        return "undone", "refunded"
    if all(one in _FAILED for one in states):
        return "refused", "refund-failed"
    return "manual", row["reason"] or "refund-at-window"


async def end_leg(store: AnyStore, unit: Unit, undo_id: str, state: str, cause: str, *, now: int) -> None:
    """``undone``, ``refused`` or ``manual``; the bill is looked at at once, so that the undo goes on."""
    leg = await store.read(store.get, "undo_leg", undo_id=undo_id, leg="cash")
    if leg is None or leg["state"] != "asked":
        return
    key = {"undo_id": undo_id, "leg": "cash"}
    unit.update("undo_leg", key, expect={"state": "asked"}, state=state, cause=cause, updated_at=now)
    told: dict[str, str | int] = {"field": "undo_leg.cash", "old": "asked", "new": state, "cause": cause, "at": now}
    unit.insert("change", order_id=leg["order_id"], change_no=change_no(), claim_id="", act_id="", **told)
    unit.update("bill", {"order_id": leg["order_id"]}, look_at=DUE_NOW)
