"""Undoing a settled order: one row per wish, one per leg, because legs are undone one after another and are never merged."""

from gateway.store.tables import INT, TEXT, ColumnType, Table


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


UNDO = Table(
    "undo",
    _columns(TEXT, "undo_id order_id hospital idem_key scope state reason requested_by was")
    | _columns(INT, "amount version created_at updated_at"),
    key=("undo_id",),
    unique=(("hospital", "idem_key"),),
    indexes=(("order_id",), ("state",)),
    chained=("undo_id", "order_id", "hospital", "scope", "reason", "requested_by", "amount", "created_at"),
)
"""``scope`` is ``whole`` or ``part`` (a hospital's wish) or ``counter`` (an insurer settled what was closed);
``amount`` is the part of the bill that is taken back (分); ``was`` is the bill's state when it was frozen."""
UNDO_LEG = Table(
    "undo_leg",
    _columns(TEXT, "undo_id leg order_id kind state cause act_id") | _columns(INT, "amount updated_at"),
    key=("undo_id", "leg"),
    indexes=(("order_id",),),
)
"""``leg`` is ``claim:<claim_id>``, ``yibao`` or ``cash`` (``kind`` is its first word), undone in this order: cash last,
because it is the leg that can't be taken back."""
WORK_ITEM = Table(
    "work_item",
    _columns(TEXT, "item_id order_id claim_id insurer kind why owner") | _columns(INT, "amount since"),
    key=("item_id",),
    indexes=(("insurer",), ("order_id",)),
)
"""What waits for a person, from the commit that parks it to the commit that takes it up; ``owner`` is an operator's name.
``item_id`` is a claim's id, or ``<undo_id>:<leg>``, or the id of an answer that differs."""
