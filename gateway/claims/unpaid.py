"""Bills that were treated and are not paid: what a hospital that lets patients pay last must look at (漏费)."""

from datetime import date
from typing import Any

from gateway.claims.ledger import Ledger
from gateway.claims.reconciliation.days import bounds
from gateway.kernel.errors import BadRequest
from gateway.kernel.ids import id_floor
from gateway.kernel.settlements import State
from gateway.store.api import Row

_PAGE = 500
_MOST_DAYS = 31
_SHOWN = 1000
_PAID = (State.PAID, State.OFFLINE)
"""The counter collects what no channel takes."""


def unpaid(ledger: Ledger, hospital: str, first: date, last: date) -> dict[str, Any]:
    """Decided bills of these days (Shanghai) with an own part, and those whose part nobody has paid. Amounts in 分.

    Asked inside ``read``. Raises ``BadRequest`` (``days-invalid``).
    """
    if not 0 <= (last - first).days < _MOST_DAYS:
        raise BadRequest("the days are not a span", code="days-invalid", hint=f"At most {_MOST_DAYS} days, in order.")
    owed = [row for row in _bills(ledger, hospital, bounds(first)[0], bounds(last)[1]) if row["self_pay_due"]]
    open_still = [row for row in owed if not _is_paid(ledger, row["order_id"])]
    return {
        "bills": len(owed),
        "amount_fen": sum(row["self_pay_due"] for row in owed),
        "unpaid": len(open_still),
        "unpaid_fen": sum(row["self_pay_due"] for row in open_still),
        "unpaid_per_10000": len(open_still) * 10_000 // len(owed) if owed else 0,
        "orders": [
            {"order_id": row["order_id"], "amount_fen": row["self_pay_due"], "created_at": row["created_at"]}
            for row in open_still[:_SHOWN]
        ],
    }


def _bills(ledger: Ledger, hospital: str, start: int, end: int) -> list[Row]:
    """Bills are numbered in the order in which they come."""
    found: list[Row] = []
    after = "ord" + id_floor("", start)
    while True:
        where = {"hospital": hospital, "state": "decided", "kind": "direct_pay"}
        page = ledger.store.find("bill", where, limit=_PAGE, after=(after,))
        found += [row for row in page if start <= row["created_at"] < end]
        if len(page) < _PAGE or page[-1]["created_at"] >= end:
            return found
        after = page[-1]["order_id"]


def _is_paid(ledger: Ledger, order_id: str) -> bool:
    rows = ledger.store.find("settlement", {"order_id": order_id}, limit=100)
    return any(row["state"] in _PAID and not row["original"] and not row["kind"].startswith("PAYOUT") for row in rows)
