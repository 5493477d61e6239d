"""Room two's tables: order numbers, amounts, states. Nothing here says who was treated, for what, where or when."""

from gateway.store.tables import INT, SERIAL, TEXT, ColumnType, Schema, Table


def _columns(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


PAYMENT_ORDER = Table(
    "payment_order",
    _columns(TEXT, "settlement_id kind")
    | {"amount": INT}
    | _columns(TEXT, "channel state")
    | _columns(INT, "version created_at updated_at next_at")
    | _columns(TEXT, "source_ref account_token timing original beside payer_token sent_day")
    | _columns(INT, "per_act per_day attempt refunded until"),
    key=("settlement_id",),
    indexes=(("state", "next_at"),),
    sparse=("original", "beside", "payer_token"),
)
"""``refunded``: what refunds took or may still take of it (分). ``attempt``: how often it was begun anew at the channel.
``until``: when a watch or a pay-later order ends (epoch ms). ``sent_day``: the Shanghai day whose limit it counts to."""
LEG = Table(
    "leg",
    {"settlement_id": TEXT, "leg_no": INT, "kind": TEXT, "amount": INT, "state": TEXT},
    key=("settlement_id", "leg_no"),
)
CHANNEL_ACT = Table(
    "channel_act",
    _columns(TEXT, "act_id settlement_id name state outcome") | _columns(INT, "attempts sent_at answered_at next_at"),
    key=("act_id",),
    indexes=(("settlement_id",), ("state", "next_at")),
)
RECEIPT = Table(
    "receipt",
    {"seq": SERIAL, "settlement_id": TEXT, "result": TEXT, "amount": INT, "at": INT}
    | _columns(TEXT, "reason original"),
    key=("seq",),
    numbers_stay=True,
    indexes=(("settlement_id",),),
)
CHANGE = Table(
    "change",
    {"seq": SERIAL} | _columns(TEXT, "settlement_id field old new cause") | {"at": INT},
    key=("seq",),
    indexes=(("settlement_id",),),
)
NONCE = Table(
    "nonce",
    _columns(TEXT, "scope value") | {"expires_at": INT},
    key=("scope", "value"),
    indexes=(("expires_at",),),
)
PAYER_DEFAULT = Table(
    "payer_default",
    _columns(TEXT, "payer_token settlement_id") | {"at": INT},
    key=("payer_token", "settlement_id"),
)
"""Pay-later orders that were not paid in time: who has one must pay first the next time."""
SETTING = Table("setting", _columns(TEXT, "name value"), key=("name",))

PAYMENT = Schema(
    (PAYMENT_ORDER, LEG, CHANNEL_ACT, RECEIPT, CHANGE, NONCE, PAYER_DEFAULT, SETTING), version=2, name="payment"
)
