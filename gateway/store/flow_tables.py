"""Rows that only some bills need: a guarantee's pinned quota, registered consents, money asked back of a patient."""

from gateway.store.tables import INT, SERIAL, TEXT, ColumnType, Table


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


GUARANTEE_PIN = Table(
    "guarantee_pin",
    {"order_id": TEXT, "insurer": TEXT, "quota": INT},
    key=("order_id", "insurer"),
)
"""The quota (分) that a bill was brought under: what becomes of the guarantee afterwards does not change it."""
CONSENT = Table(
    "consent",
    _columns(TEXT, "hospital consent_id record_id holder patient") | _columns(INT, "given_at valid_to withdrawn_at"),
    key=("hospital", "consent_id"),
    indexes=(("hospital", "holder"), ("record_id",)),
    chained=("hospital", "consent_id", "record_id", "given_at", "valid_to"),
)
"""A consent that a hospital registered. What it says is sealed in the vault under ``record_id``, with a data key of its
own; ``holder`` (the account that bound the patient's card) and ``patient`` are keyed digests; ``withdrawn_at`` 0: it lives."""
CONSENT_WITHDRAWAL = Table(
    "consent_withdrawal",
    {"seq": SERIAL, "hospital": TEXT, "consent_id": TEXT, "at": INT},
    key=("seq",),
    chained=("hospital", "consent_id", "at"),
)
"""What every process reads on from the last number that it has seen."""
RECOVERY = Table(
    "recovery",
    _columns(TEXT, "recovery_id order_id claim_id hospital insurer state payer_token channel proof_ref")
    | _columns(INT, "amount created_at agreed_at"),
    key=("recovery_id",),
    indexes=(("order_id",), ("hospital",)),
    chained=("recovery_id", "order_id", "claim_id", "hospital", "insurer", "amount", "created_at"),
)
"""Money (分) that an insurer advanced and later declined: asked of the patient, collected once the patient agreed."""

FLOW_TABLES = (GUARANTEE_PIN, CONSENT, CONSENT_WITHDRAWAL, RECOVERY)
