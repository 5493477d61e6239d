"""Which bills are meant, whether they are at rest, and everything the room has of one."""

from collections.abc import Iterator
from typing import Any

from gateway.claims.conversation.states import FINAL
from gateway.claims.ledger import Ledger
from gateway.kernel.errors import NotFound
from gateway.store.api import Row
from gateway.store.data_keys import CONSENT, NOTICE

_PAGE = 1000


def key_rows(ledger: Ledger, **where: Any) -> Iterator[Row]:
    """Rows of ``data_key`` in the order of their bills; rows may change while they are gone through."""
    after: tuple[str, ...] | None = None
    while True:
        rows = ledger.store.find("data_key", where, limit=_PAGE, after=after)
        yield from rows
        if len(rows) < _PAGE:
            return
        after = (rows[-1]["order_id"],)


def bills_of(ledger: Ledger, cert_no: str) -> list[Row]:
    """A person's data keys, found by the blind index: reads the whole table once."""
    return list(key_rows(ledger, person=ledger.keys.vault.person(cert_no)))


def key_row(ledger: Ledger, order_id: str) -> Row:
    row = ledger.store.get("data_key", order_id=order_id)
    if row is None:
        raise NotFound("no such order", code="order-unknown")
    return row


def consents_of(ledger: Ledger, record_id: str) -> list[Row]:
    """The one registered consent that is sealed under this id."""
    return ledger.store.find("consent", {"record_id": record_id}, limit=1)


def is_at_rest(ledger: Ledger, row: Row) -> bool:
    """Whether nothing more is to be done with the bill, so that its content may go."""
    if row["data_class"] == NOTICE:
        return True
    if row["data_class"] == CONSENT:
        live = [one for one in consents_of(ledger, row["order_id"]) if not one["withdrawn_at"]]
        return all(one["valid_to"] < ledger.clock.epoch_ms() for one in live)
    bill = ledger.bill_row(row["order_id"])
    if bill is None or bill["undo_id"] or bill["look_at"] is not None:
        return False
    if bill["state"] not in ("decided", "reversed", "replaced"):
        return False
    return all(claim["state"] in FINAL for claim in ledger.claim_rows(row["order_id"]))


def messages_of(ledger: Ledger, order_id: str, claim_ids: list[str]) -> list[Row]:
    """What came and went for these claims of the bill, the bill itself first, in the order it was kept."""
    owners = [order_id, *(act["act_id"] for claim_id in claim_ids for act in ledger.act_rows(claim_id))]
    found = [row for owner in owners for row in ledger.store.find("message", {"owner_id": owner}, limit=1000)]
    return sorted(found, key=lambda row: int(row["seq"]))
