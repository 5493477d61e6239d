"""What a webhook says: ids, kinds, states and amounts of one bill. Nothing of the patient, the visit or the policy."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.store.api import AnyStore, Row

MOST_PARTS = 100


def message_of(store: AnyStore, event: Row) -> bytes:
    """The body that every attempt of this event carries, as the bill stands now. Asked inside ``read``. Amounts in 分."""
    return msgspec.json.encode(
        {
            "type": event["kind"],
            "timestamp": datetime.fromtimestamp(event["at"] / 1000, UTC).isoformat(timespec="milliseconds"),
            "data": {"event_id": event["event_id"], "seq": event["seq"], **_bill(store, event["order_id"])},
        }
    )


def _bill(store: AnyStore, order_id: str) -> dict[str, Any]:
    row = store.get("bill", order_id=order_id)
    if row is None:
        return {"order_id": order_id}
    of_bill = {"order_id": order_id}
    return {
        "order_id": order_id,
        "kind": row["kind"],
        "state": row["state"],
        "total_fen": row["total"],
        "approved_fen": row["approved"],
        "self_pay_due_fen": row["self_pay_due"],
        "claims": [_claim(one) for one in store.find("claim", of_bill, order_by="seq", limit=MOST_PARTS)],
        "settlements": [
            {"kind": one["kind"], "state": one["state"], "amount_fen": one["amount"]}
            for one in store.find("settlement", of_bill, limit=MOST_PARTS)
        ],
        "undos": [
            {"undo_id": one["undo_id"], "state": one["state"], "amount_fen": one["amount"]}
            for one in store.find("undo", of_bill, limit=MOST_PARTS)
        ],
    }


def _claim(row: Row) -> dict[str, Any]:
    shown = {name: row[name] for name in ("claim_id", "insurer", "seq", "kind", "state")}
    return shown | {"outcome": row["outcome"] or None, "approved_fen": row["approved"]}
