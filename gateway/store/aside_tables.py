"""Bills whose work fails again and again, or kills the process that does it."""

from gateway.store.tables import INT, TEXT, Table

SET_ASIDE = Table(
    "set_aside",
    {"order_id": TEXT, "code": TEXT, "tries": INT, "at": INT, "aside": INT},
    key=("order_id",),
    indexes=(("aside",),),
)
"""``tries``: how often work on the bill was begun and did not end well, counted before each try. ``aside``: 1 when it is
not tried any more, until a person has it tried again. A bill whose work ends well has no row here."""
