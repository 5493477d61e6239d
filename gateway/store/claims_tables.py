"""Room one's tables.

Medical detail and identity lie sealed in ``vault.blob``, ``message.body`` and ``ref.value``;
the rest is ids, states, times and amounts.
"""

from gateway.store.aside_tables import SET_ASIDE
from gateway.store.counter_tables import GUARANTEE, INVOICE_USE, LATE
from gateway.store.delivery_tables import DELIVERY, FEED_ACK, WEBHOOK
from gateway.store.flow_tables import FLOW_TABLES
from gateway.store.pay_tables import DEPOSIT, PAY_TAP, PAY_WISH
from gateway.store.recon_tables import RECON_TABLES
from gateway.store.tables import BLOB, INT, SERIAL, TEXT, ColumnType, Schema, Table
from gateway.store.undo_tables import UNDO, UNDO_LEG, WORK_ITEM


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


def _names(names: str) -> tuple[str, ...]:
    return tuple(names.split())


BILL = Table(
    "bill",
    _columns(TEXT, "order_id hospital idem_key body_digest kind state")
    | _columns(INT, "version created_at updated_at total approved self_pay_due")
    | _columns(TEXT, "order_kind visit_id")
    | _columns(INT, "fund_total account_pay cash_pay")
    | {"payout_token": TEXT, "look_at": INT, "owner": TEXT, "wishes": INT, "undo_id": TEXT}
    | _columns(INT, "amendments quoted_until")
    | {"warnings": TEXT},
    key=("order_id",),
    unique=(("hospital", "idem_key"),),
    sparse=("look_at",),
    chained=_names(
        "order_id hospital body_digest kind created_at total order_kind visit_id fund_total account_pay cash_pay"
    ),
)
"""``look_at``: when somebody must take the bill up again; every bill that is not at rest for good has a time there.
``owner``: the process that works on it, where several share the database. ``wishes``: it has a row in ``pay_wish``.
``amendments``: how many the vault has; ``quoted_until``: when quotes that wait for the patient expire (epoch ms).
``undo_id``: the undo under way. ``warnings``: what was odd about it and did not refuse it, as JSON; rules and places only.
What is chained of a bill stays as it was brought, its totals included."""
DUE_NOW = 1
"""``look_at`` of a bill that must be taken up at once, whatever the clock of its host says."""
CLAIM = Table(
    "claim",
    _columns(TEXT, "claim_id order_id")
    | _columns(INT, "seq")
    | _columns(TEXT, "insurer kind state outcome")
    | _columns(INT, "claimed approved quoted step version")
    | _columns(TEXT, "reason_code")
    | _columns(INT, "created_at updated_at")
    | _columns(INT, "policy fixed"),
    key=("order_id", "seq"),
)
"""``policy``: place of its policy in the submission, where that is not ``seq``. ``fixed``: 1 for a fixed benefit."""
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
"""What partners call things of ours. ``value`` is sealed: some partners make their numbers from what we send them."""
MESSAGE = Table(
    "message",
    {"seq": SERIAL}
    | _columns(TEXT, "order_id owner_id direction")
    | {"at": INT}
    | _columns(TEXT, "digest key_ids")
    | _columns(INT, "size http_status")
    | {"body": BLOB},
    key=("seq",),
    indexes=(("owner_id",),),
    chained=_names("order_id owner_id direction at digest key_ids size http_status"),
)
"""Every message in and out, sealed; ``owner_id`` is the act's id, or the bill's for what the hospital brought."""
VAULT = Table("vault", _columns(TEXT, "record_id order_id kind") | {"blob": BLOB}, key=("record_id",))
DATA_KEY = Table(
    "data_key",
    _columns(TEXT, "order_id master wrapped person data_class") | _columns(INT, "created_at erased_at"),
    key=("order_id",),
)
"""Each bill's data key (see ``vault``). ``person`` is a blind index and has no index of the database: erasing a person is
rare and may read the table once, while a random place in an index would cost every bill a page."""
CHANGE = Table(
    "change",
    {"order_id": TEXT, "change_no": INT} | _columns(TEXT, "claim_id act_id field old new cause") | {"at": INT},
    key=("order_id", "change_no"),
    chained=_names("order_id change_no claim_id act_id field old new cause at"),
)
AUDIT = Table(
    "audit",
    {"seq": SERIAL, "at": INT} | _columns(TEXT, "kind who order_id reason detail"),
    key=("seq",),
    chained=_names("at kind who order_id reason detail"),
)
"""What was done besides states: keys used, personal data read, erased, exported; by whom and why."""
CHAIN = Table("chain", {"seq": SERIAL, "at": INT} | _columns(TEXT, "refs link"), key=("seq",))
CHECKPOINT = Table(
    "checkpoint",
    _columns(INT, "number first_seq last_seq") | _columns(TEXT, "body signature key_id"),
    key=("number",),
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
    | _columns(INT, "created_at updated_at")
    | _columns(TEXT, "channel reason original"),
    key=("order_id", "kind"),
    unique=(("settlement_id",),),
    indexes=(("state", "updated_at"),),
)
"""Clearing's link between a bill (or a deposit) and a payment order; a bill may have one of each kind: ``SELF_PAY``,
``SELF_PAY:<channel>`` for another try, ``CREDIT``, ``PAYOUT``, ``back:<deposit>``, ``refund:<undo>``. See docs/payment.md."""
CORRECTION = Table(
    "correction",
    _columns(TEXT, "correction_id order_id claim_id action")
    | {"approved": INT}
    | _columns(TEXT, "evidence proposed_by proposed_with")
    | {"proposed_at": INT}
    | _columns(TEXT, "state settled_by")
    | {"settled_at": INT},
    key=("correction_id",),
    indexes=(("state",),),
    chained=_names("correction_id order_id claim_id action approved evidence proposed_by proposed_with proposed_at"),
)
"""What one operator proposed about a claim that waits for a person, and how a second one settled it."""
NONCE = Table("nonce", _columns(TEXT, "scope value") | {"expires_at": INT}, key=("scope", "value"))
LEASE = Table("lease", _columns(TEXT, "name holder") | _columns(INT, "token until"), key=("name",))
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
        DATA_KEY,
        CHANGE,
        AUDIT,
        CHAIN,
        CHECKPOINT,
        EVENT,
        OUTBOX,
        SETTLEMENT,
        PAY_WISH,
        PAY_TAP,
        DEPOSIT,
        CORRECTION,
        UNDO,
        UNDO_LEG,
        WEBHOOK,
        DELIVERY,
        FEED_ACK,
        *RECON_TABLES,
        INVOICE_USE,
        LATE,
        GUARANTEE,
        *FLOW_TABLES,
        WORK_ITEM,
        SET_ASIDE,
        NONCE,
        LEASE,
        SETTING,
    ),
    version=7,
    name="claims",
    oldest=3,
)
