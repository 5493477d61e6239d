"""What comes after the submission and belongs to it: a patient's confirmation, more material, another account.

The submission stays as it was brought; each amendment is sealed beside it, numbered, and read on top of it.
"""

import msgspec

from gateway.claims.bill import Bill
from gateway.claims.canonical.claim import Attachment, Submission
from gateway.claims.canonical.cover import Confirmation, PayoutAccount
from gateway.claims.work import Work
from gateway.store.api import AnyStore
from gateway.store.data_keys import DataKeys

_KIND = "amendment"


class Confirmed(msgspec.Struct, frozen=True, tag_field="kind", tag="confirmation"):
    confirmation: Confirmation


class MoreMaterial(msgspec.Struct, frozen=True, tag_field="kind", tag="material"):
    attachments: tuple[Attachment, ...]


class NewAccount(msgspec.Struct, frozen=True, tag_field="kind", tag="payout-account"):
    account: PayoutAccount


Amendment = Confirmed | MoreMaterial | NewAccount
_decoder = msgspec.json.Decoder(Amendment)


def amend(bill: Bill, work: Work, amendment: Amendment, cause: str) -> None:
    """Add ``amendment`` to a stored bill, to be committed with ``work``, which is sealed for this bill."""
    bill.amendments += 1
    bill.submission, bill.dirty = _applied(bill.submission, amendment), True
    work.keep(_record_id(bill.order_id, bill.amendments), _KIND, msgspec.json.encode(amendment))
    work.changed(bill, None, "bill.amendments", str(bill.amendments - 1), str(bill.amendments), cause)


def as_amended(store: AnyStore, keys: DataKeys, order_id: str, submission: Submission, count: int) -> Submission:
    """The submission with its ``count`` amendments. Raises ``VaultRefused``."""
    for number in range(1, count + 1):
        record_id = _record_id(order_id, number)
        row = store.get("vault", record_id=record_id)
        if row is not None:
            submission = _applied(submission, _decoder.decode(keys.of(order_id).open(record_id, row["blob"], _KIND)))
    return submission


def _applied(submission: Submission, amendment: Amendment) -> Submission:
    match amendment:
        case Confirmed(confirmation):
            return msgspec.structs.replace(submission, confirmation=confirmation)
        case MoreMaterial(attachments):
            return msgspec.structs.replace(submission, attachments=submission.attachments + attachments)
        case NewAccount(account):
            return msgspec.structs.replace(submission, payout_account=account)


def _record_id(order_id: str, number: int) -> str:
    return f"amendment:{order_id}:{number}"
