"""What is brought to hospitals by itself: their endpoints' standing, the deliveries, and how far each has read its feed."""

from gateway.store.tables import INT, TEXT, ColumnType, Table


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


WEBHOOK = Table(
    "webhook",
    _columns(TEXT, "hospital state") | _columns(INT, "since failing_since version updated_at"),
    key=("hospital",),
    indexes=(("state",),),
)
"""``since``: the last event before the endpoint was first set. ``failing_since``: 0 while deliveries are taken."""
DELIVERY = Table(
    "delivery",
    _columns(TEXT, "event_id hospital order_id kind")
    | _columns(INT, "seq at")
    | _columns(TEXT, "body state")
    | _columns(INT, "attempts status next_at sent_at"),
    key=("event_id",),
    indexes=(("state", "hospital", "seq"),),
)
"""Rows exist only for hospitals with an endpoint, and those that were taken go after some days. ``body`` holds ids, kinds,
states and amounts (``delivery/message.py``); ``sent_at`` is the last attempt, ``status`` what it was answered with."""
FEED_ACK = Table("feed_ack", _columns(TEXT, "hospital") | _columns(INT, "seq updated_at"), key=("hospital",))
"""Up to which event a hospital says that it has the feed."""
