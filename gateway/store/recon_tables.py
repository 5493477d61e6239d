"""Reconciliation: a day's locked books, their totals, what differs, and what two persons entered about it."""

from gateway.store.tables import INT, TEXT, ColumnType, Table


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


RECON_DAY = Table(
    "recon_day",
    _columns(TEXT, "day peer state digest") | _columns(INT, "attempts next_at updated_at"),
    key=("day", "peer"),
    indexes=(("state", "next_at"),),
)
"""One peer's (insurer's or channel's) document of one day, asked for until it is there or given up. The row with the peer
``*`` says that the day's books are locked: ``digest`` is the newest order that was looked at."""
RECON = Table(
    "recon",
    _columns(TEXT, "recon_id day peer hospital state") | _columns(INT, "locked_at updated_at"),
    key=("recon_id",),
    unique=(("day", "peer", "hospital"),),
    indexes=(("state",),),
)
RECON_LINE = Table(
    "recon_line",
    _columns(TEXT, "recon_id line_key act_id order_id claim_id kind standing") | _columns(INT, "amount at"),
    key=("recon_id", "line_key"),
    indexes=(("claim_id",), ("act_id",)),
    chained=("recon_id", "line_key", "act_id", "order_id", "claim_id", "kind", "standing", "amount", "at"),
)
"""Our own book as it stood when the day was locked; never changed: what comes later is another day's line or an entry."""
RECON_TOTAL = Table(
    "recon_total",
    _columns(TEXT, "recon_id side kind standing") | _columns(INT, "count_of amount"),
    key=("recon_id", "side", "kind", "standing"),
)
RECON_ITEM = Table(
    "recon_item",
    _columns(TEXT, "item_id recon_id side class state kind line_key")
    | _columns(TEXT, "order_id claim_id act_id ours_standing theirs_standing marks")
    | _columns(INT, "ours_amount theirs_amount at line_number")
    | _columns(TEXT, "owner reason closed_by")
    | _columns(INT, "created_at closed_at"),
    key=("item_id",),
    unique=(("recon_id", "side", "line_key"),),
    indexes=(("state", "recon_id"), ("act_id",)),
)
"""One difference. ``side`` is ``peer`` or ``hospital``: whose book differs from ours. ``marks`` are blinded numbers of the
peer, so that nothing that it made from a person's data lies here in the clear."""
RECON_ENTRY = Table(
    "recon_entry",
    _columns(TEXT, "entry_id item_id recon_id action evidence proposed_by proposed_with")
    | _columns(INT, "amount proposed_at")
    | _columns(TEXT, "state settled_by")
    | _columns(INT, "settled_at"),
    key=("entry_id",),
    indexes=(("recon_id",), ("state",)),
    chained=(
        "entry_id",
        "item_id",
        "recon_id",
        "action",
        "evidence",
        "proposed_by",
        "proposed_with",
        "amount",
        "proposed_at",
    ),
)
"""What one person proposed about a difference and how a second one settled it. ``amount`` (分, signed) is added to our book
of that day; no line is ever edited."""
RECON_OPEN = Table("recon_open", _columns(TEXT, "claim_id order_id kind"), key=("claim_id", "kind"))
"""Acts that had no place in a locked day yet: looked at again when the next day is locked."""

RECON_TABLES = (RECON_DAY, RECON, RECON_LINE, RECON_TOTAL, RECON_ITEM, RECON_ENTRY, RECON_OPEN)
