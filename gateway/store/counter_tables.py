"""What keeps a bill from being claimed twice, and a payout from being forgotten."""

from gateway.store.tables import INT, TEXT, Table

INVOICE_USE = Table(
    "invoice_use",
    {"insurer": TEXT, "blind": TEXT, "order_id": TEXT},
    key=("insurer", "blind"),
)
"""Invoices that support an expense claim: ``blind`` is an HMAC of code and number, which stay unknown here."""
LATE = Table(
    "late",
    {"order_id": TEXT, "clock": TEXT, "insurer": TEXT, "due_at": INT, "seen_at": INT, "over_at": INT},
    key=("order_id", "clock"),
    indexes=(("over_at",),),
)
"""A promise of payment on the next day (T+1) that was not kept; ``over_at`` is 0 until the money is there."""
GUARANTEE = Table(
    "guarantee",
    {"order_id": TEXT, "hospital": TEXT, "state": TEXT, "quota": INT, "projected": INT, "at": INT},
    key=("order_id",),
)
"""A guarantee letter for an inpatient stay: what the insurer bears at most, and what the stay will ask of it (分)."""
