"""Room one's tables.

Medical detail and identity lie sealed in ``vault.blob`` and ``message.body``; the rest is ids, states, times and amounts.
"""

from gateway.store.tables import BLOB, INT, SERIAL, TEXT, ColumnType, Schema, Table


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


BILL = Table(
    "bill",
    _columns(TEXT, "order_id hospital idem_key body_digest kind state")
    | _columns(INT, "version created_at updated_at total approved self_pay_due")
    | _columns(TEXT, "order_kind visit_id")
    | _columns(INT, "fund_total account_pay cash_pay")
    | {"payout_token": TEXT, "look_at": INT},
    key=("order_id",),
    unique=(("hospital", "idem_key"),),
    sparse=("look_at",),
)
"""``look_at``: when somebody must take the bill up again; every bill that is not at rest for good has a time there."""
CLAIM = Table(
    "claim",
    _columns(TEXT, "claim_id order_id")
    | _columns(INT, "seq")
    | _columns(TEXT, "insurer kind state outcome")
    | _columns(INT, "claimed approved quoted step version")
    | _columns(TEXT, "reason_code")
    | _columns(INT, "created_at updated_at"),
    key=("order_id", "seq"),
)
WAITING = Table(
    "waiting",
    _columns(TEXT, "claim_id order_id insurer kind state") | {"amount": INT},
    key=("claim_id",),
    indexes=(("insurer", "state"),),
)
"""Claims that wait for an insurer, an enquiry or a person: small, so that it can be counted at any time."""
ACT = Table(
    "act",
    _columns(TEXT, "act_id claim_id order_id insurer name")
    | _columns(INT, "batch_no batch_count serial")
    | _columns(TEXT, "state outcome")
    | {"attempts": INT, "mapping": TEXT, "mapping_version": INT}
    | _columns(TEXT, "mapping_digest key_ids request_digest correlation")
    | _columns(INT, "prepared_at answered_at deadline_at"),
    key=("claim_id", "act_id"),
)
CORRELATION = Table("correlation", _columns(TEXT, "insurer value claim_id act_id"), key=("insurer", "value"))
"""By which word a partner's later call names the act that waits for it."""
REF = Table("ref", _columns(TEXT, "claim_id name value"), key=("claim_id", "name"))
MESSAGE = Table(
    "message",
    {"seq": SERIAL}
    | _columns(TEXT, "owner_id direction")
    | {"at": INT}
    | _columns(TEXT, "digest key_ids")
    | _columns(INT, "size http_status")
    | {"body": BLOB},
    key=("seq",),
    indexes=(("owner_id",),),
)
"""Every message in and out, sealed; ``owner_id`` is the act's id, or the bill's for what the hospital brought."""
VAULT = Table("vault", {"record_id": TEXT, "kind": TEXT, "blob": BLOB}, key=("record_id",))
CHANGE = Table(
    "change",
    {"order_id": TEXT, "change_no": INT} | _columns(TEXT, "claim_id act_id field old new cause") | {"at": INT},
    key=("order_id", "change_no"),
)
EVENT = Table(
    "event",
    {"seq": SERIAL} | _columns(TEXT, "event_id hospital order_id kind") | {"at": INT},
    key=("seq",),
    indexes=(("hospital", "seq"),),
    numbers_stay=True,
)
OUTBOX = Table(
    "outbox",
    {"seq": SERIAL} | _columns(TEXT, "kind order_id") | _columns(INT, "at attempts next_at"),
    key=("seq",),
)
"""What the window has still to carry; a row goes when it is done."""
SETTLEMENT = Table(
    "settlement",
    _columns(TEXT, "order_id kind settlement_id")
    | {"amount": INT, "state": TEXT}
    | _columns(INT, "created_at updated_at"),
    key=("order_id", "kind"),
    unique=(("settlement_id",),),
    indexes=(("state", "updated_at"),),
)
"""Clearing's link between a bill and a payment order; a bill may have one of each kind (self-pay, payout)."""
NONCE = Table("nonce", _columns(TEXT, "scope value") | {"expires_at": INT}, key=("scope", "value"))
SETTING = Table("setting", _columns(TEXT, "name value"), key=("name",))

CLAIMS = Schema(
    (
        BILL,
        CLAIM,
        WAITING,
        ACT,
        CORRELATION,
        REF,
        MESSAGE,
        VAULT,
        CHANGE,
        EVENT,
        OUTBOX,
        SETTLEMENT,
        NONCE,
        SETTING,
    ),
    version=2,
    name="claims",
)
