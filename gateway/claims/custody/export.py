"""Everything the room has of one person, opened, for that person: audited before anything is opened."""

from typing import Any

import msgspec

from gateway.claims.consents.registry import opened
from gateway.claims.custody.bills import bills_of, consents_of, messages_of
from gateway.claims.custody.wish import Wish, require_reason
from gateway.claims.ledger import Ledger
from gateway.kernel.errors import BadRequest
from gateway.store.api import Row
from gateway.store.data_keys import CONSENT
from gateway.store.unit import Unit


async def export(ledger: Ledger, who: str, wish: Wish) -> dict[str, Any]:
    """A JSON document of the person's bills, decisions and messages. What was erased is no longer theirs to be found."""
    reason = require_reason(wish)
    if not wish.cert_no:
        raise BadRequest("name a person", code="export-whom", hint="--person.")
    rows, now = await ledger.read(bills_of, ledger, wish.cert_no), ledger.clock.epoch_ms()
    unit = Unit()
    for row in rows:
        unit.insert(
            "audit", at=now, kind="person-exported", who=who, order_id=row["order_id"], reason=reason, detail=""
        )
    await ledger.store.commit(unit)
    bills = [await ledger.read(_bill, ledger, row) for row in rows if row["data_class"] != CONSENT]
    consents = [await ledger.read(_consent, ledger, row) for row in rows if row["data_class"] == CONSENT]
    return {"exported_at": now, "reason": reason, "bills": bills, "consents": consents}


def _consent(ledger: Ledger, row: Row) -> dict[str, Any]:
    return {"consent": consents_of(ledger, row["order_id"])[0], "content": msgspec.Raw(opened(ledger, row["order_id"]))}


def _bill(ledger: Ledger, row: Row) -> dict[str, Any]:
    order_id = row["order_id"]
    claims = ledger.claim_rows(order_id)
    changes = ledger.store.find("change", {"order_id": order_id}, limit=10_000)
    shown: dict[str, Any] = {"bill": ledger.bill_row(order_id), "claims": claims, "changes": changes}
    messages = messages_of(ledger, order_id, [claim["claim_id"] for claim in claims])
    shown["submission"] = msgspec.Raw(ledger.submission(order_id))
    shown["messages"] = [shown_message(ledger, one) for one in messages if one["direction"] != "submission"]
    return shown


def shown_message(ledger: Ledger, row: Row) -> dict[str, Any]:
    """A message with its bytes as text where they are text, in base64 where not."""
    body = ledger.opened(row)
    shown = {name: row[name] for name in ("owner_id", "direction", "at", "digest", "key_ids", "http_status")}
    try:
        return shown | {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return shown | {"bytes": body}
