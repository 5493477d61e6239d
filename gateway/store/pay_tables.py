"""How a patient wishes to pay, and what they paid before the bill: rows only where a hospital says so."""

from gateway.store.tables import INT, TEXT, ColumnType, Table


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


PAY_WISH = Table(
    "pay_wish",
    _columns(TEXT, "order_id channels place payer_token deposits")
    | _columns(INT, "real_name local_insured score_passed per_act per_day"),
    key=("order_id",),
)
"""Of a bill or a deposit. ``channels`` and ``deposits`` are codes and ids with blanks between; flags are 0 or 1."""
PAY_TAP = Table(
    "pay_tap",
    _columns(TEXT, "order_id channel payer_token") | {"at": INT},
    key=("order_id", "channel"),
)
"""The patient turned to another channel for a bill that is not paid yet."""
DEPOSIT = Table(
    "deposit",
    _columns(TEXT, "deposit_id hospital idem_key body_digest used_by") | _columns(INT, "amount created_at"),
    key=("deposit_id",),
    unique=(("hospital", "idem_key"),),
    sparse=("used_by",),
)
"""Money taken before the bill is known. ``used_by``: the one bill that is settled against it."""
