"""Tables of every shape that the store must carry: the contract suite's own, so that rooms may change theirs.

Medical detail and identity lie sealed in ``vault``; the others hold ids, states, times and amounts.
"""

from gateway.store.tables import BLOB, INT, SERIAL, TEXT, ColumnType, Schema, Table


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


BILL = Table(
    "bill",
    _columns(TEXT, "order_id hospital idem_key body_digest kind state")
    | _columns(INT, "version created_at updated_at wait_until total approved self_pay_due")
    | _columns(TEXT, "order_kind visit_id")
    | _columns(INT, "fund_total account_pay cash_pay")
    | {"payout_token": TEXT},
    key=("order_id",),
    unique=(("hospital", "idem_key"),),
    indexes=(("state", "updated_at"),),
)
CLAIM = Table(
    "claim",
    _columns(TEXT, "claim_id order_id")
    | _columns(INT, "seq")
    | _columns(TEXT, "insurer kind state outcome")
    | _columns(INT, "claimed approved quoted")
    | _columns(INT, "step version")
    | _columns(TEXT, "reason_code")
    | _columns(INT, "created_at updated_at next_at"),
    key=("claim_id",),
    indexes=(("order_id",), ("insurer", "state"), ("state", "next_at")),
)
ACT = Table(
    "act",
    _columns(TEXT, "act_id claim_id order_id insurer name")
    | _columns(INT, "batch_no batch_count serial")
    | _columns(TEXT, "state outcome")
    | _columns(INT, "attempts")
    | _columns(TEXT, "mapping")
    | _columns(INT, "mapping_version")
    | _columns(TEXT, "mapping_digest key_ids request_digest correlation")
    | _columns(INT, "prepared_at sent_at answered_at deadline_at"),
    key=("act_id",),
    indexes=(("claim_id",), ("insurer", "correlation"), ("state",)),
)
REF = Table("ref", _columns(TEXT, "claim_id name value"), key=("claim_id", "name"))
MESSAGE = Table(
    "message",
    _columns(TEXT, "message_id act_id direction")
    | _columns(INT, "at")
    | _columns(TEXT, "digest key_ids")
    | _columns(INT, "size http_status"),
    key=("message_id",),
    indexes=(("act_id",),),
)
VAULT = Table("vault", {"record_id": TEXT, "kind": TEXT, "blob": BLOB}, key=("record_id",))
CHANGE = Table(
    "change",
    {"seq": SERIAL} | _columns(TEXT, "order_id claim_id act_id field old new cause") | {"at": INT},
    key=("seq",),
    indexes=(("order_id",),),
)
EVENT = Table(
    "event",
    {"seq": SERIAL} | _columns(TEXT, "event_id hospital order_id kind") | {"at": INT},
    key=("seq",),
    unique=(("event_id",),),
    indexes=(("hospital", "seq"),),
    numbers_stay=True,
)
OUTBOX = Table(
    "outbox",
    {"seq": SERIAL} | _columns(TEXT, "kind order_id") | _columns(INT, "at done_at attempts next_at"),
    key=("seq",),
    indexes=(("done_at", "next_at"),),
)
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
NONCE = Table(
    "nonce",
    _columns(TEXT, "scope value") | {"expires_at": INT},
    key=("scope", "value"),
    indexes=(("expires_at",),),
)
SETTING = Table("setting", _columns(TEXT, "name value"), key=("name",))

CLAIMS = Schema(
    (BILL, CLAIM, ACT, REF, MESSAGE, VAULT, CHANGE, EVENT, OUTBOX, SETTLEMENT, NONCE, SETTING), version=1, name="claims"
)
