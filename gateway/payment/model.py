"""What the payment room knows: order numbers, amounts, results. Every text is an id or a code, so no word can hide."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from gateway.kernel.errors import BadMoney
from gateway.kernel.fields import F, O, leaf
from gateway.kernel.money import MAX_FEN

SETTLEMENT_ID = r"^stl_[0-9A-HJKMNP-TV-Z]{26}(?!\n)$"
"""Only the random form of ``kernel.ids.new_settlement_id``: a bill number can't be passed off as one."""
CHANNEL = r"^[a-z][a-z0-9-]{0,30}(?!\n)$"
CODE = r"^[A-Z0-9_]{1,32}(?!\n)$"
CHANNEL_NO = r"^stl_[0-9A-HJKMNP-TV-Z]{26}(-[1-9][0-9]?)?(?!\n)$"
"""An order's number at a channel: the settlement id, with -2, -3 … for a new attempt under the same id."""
REASON = r"^[a-z0-9-]{1,40}(?!\n)$"
ANY_ID = r"^[A-Za-z0-9_.:\-]{1,64}(?!\n)$"
"""An id. The lookahead is for Python, whose ``$`` would let a line end pass."""


class OrderKind(StrEnum):
    SELF_PAY = "SELF_PAY"
    """The patient pays what is left at the counter."""
    PAYOUT = "PAYOUT"
    """An approved quick-claim goes to the patient's account."""
    DEPOSIT = "DEPOSIT"
    """Taken before the bill is known; the bill is settled against it (押金, 预交金)."""
    CREDIT = "CREDIT"
    """Collected after treatment by the pay-later schedule (先诊后付)."""
    REFUND = "REFUND"
    """A part or the whole of an earlier order goes back, through the channel that took it."""


COLLECTING = frozenset({OrderKind.SELF_PAY, OrderKind.DEPOSIT, OrderKind.CREDIT})
"""Kinds that take money from the patient: what can be refunded, paid twice, or pass a payer's limit."""


class Timing(StrEnum):
    """In which order a visit is settled and paid; a word about money, not about treatment."""

    PRE_PRE = "PRE_PRE"
    PRE_POST = "PRE_POST"
    MID = "MID"
    POST_POST = "POST_POST"


class LegKind(StrEnum):
    FUND = "fund"
    ACCOUNT = "account"
    COMMERCIAL = "commercial"
    SELF_PAY = "self_pay"
    HOSPITAL = "hospital"
    DEPOSIT = "deposit"
    CREDIT = "credit"


class Result(StrEnum):
    PAID = "paid"
    FAILED = "failed"
    """The channel said no: no money moved."""
    DISPUTED = "disputed"
    """The channel's amount is not the order's: a person looks, nothing is sent again."""
    REFUSED = "refused"
    """Nothing was sent: a limit or a rule of the channel forbids it. ``reason`` says which."""
    ACCOUNT = "account"
    """The payee's account is wrong or closed; the payout waits for another one."""
    RETURNED = "returned"
    """A payout came back after it had been paid (退票); it waits for another account."""
    DOUBLE = "double"
    """Paid, but another order had paid the same debt first: it is refunded by itself."""
    CLOSED = "closed"
    """Nothing moved and nothing will: the debt was paid another way."""
    WARNED = "warned"
    """The last day of a pay-later order: unpaid at its deadline it becomes a default."""
    DEFAULTED = "defaulted"


class ChannelState(StrEnum):
    PAID = "paid"
    FAILED = "failed"
    ACCOUNT = "account"
    RETURNED = "returned"
    PROCESSING = "processing"
    UNKNOWN = "unknown"


class Leg(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of the bill one kind of payer bears; a total, never a line. The hospital's own part may be negative."""

    kind: Annotated[LegKind, leaf("支付方类别", O)]
    amount: Annotated[int, leaf("金额", F, ge=-MAX_FEN, le=MAX_FEN)]


class PaymentOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing to collect, pay out or give back, in 分. ``settlement_id`` is its only tie to a bill, known to clearing alone.

    ``original`` is the order that a refund gives back; ``beside`` the first order for the same debt, of which only one
    may stand paid. ``payer_token`` is the channel's own word for who is debited; ``per_act`` and ``per_day`` are limits
    that this payer chose for themselves, below the channel's.
    """

    settlement_id: Annotated[str, leaf("结算单号", O, pattern=SETTLEMENT_ID)]
    kind: Annotated[OrderKind, leaf("业务类型", O)]
    amount: Annotated[int, leaf("金额", F, ge=1, le=MAX_FEN)]
    legs: Annotated[tuple[Leg, ...], leaf("分担合计", F, min_length=1, max_length=7)]
    source: Annotated[str, leaf("来源", O, pattern=CODE)]
    account_token: Annotated[str, leaf("收款账户令牌", F, pattern=ANY_ID)] | UnsetType = UNSET
    timing: Annotated[Timing, leaf("结算支付顺序", O)] = Timing.PRE_PRE
    channel: Annotated[str, leaf("支付渠道", O, pattern=CHANNEL)] | UnsetType = UNSET
    original: Annotated[str, leaf("原结算单号", O, pattern=SETTLEMENT_ID)] | UnsetType = UNSET
    beside: Annotated[str, leaf("同一应付的首个结算单号", O, pattern=SETTLEMENT_ID)] | UnsetType = UNSET
    payer_token: Annotated[str, leaf("付款账户令牌", F, pattern=ANY_ID)] | UnsetType = UNSET
    per_act: Annotated[int, leaf("本人单笔限额", F, ge=1, le=MAX_FEN)] | UnsetType = UNSET
    per_day: Annotated[int, leaf("本人单日限额", F, ge=1, le=MAX_FEN)] | UnsetType = UNSET


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another account for a payout that waits for one: a new attempt under the same payout id."""

    account_token: Annotated[str, leaf("收款账户令牌", F, pattern=ANY_ID)]


class OrderTaken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The answer to an order, the same however often it is sent."""

    settlement_id: Annotated[str, leaf("结算单号", O, pattern=SETTLEMENT_ID)]
    state: Annotated[str, leaf("状态", O, pattern="^accepted$")] = "accepted"


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of one order; a later receipt of the same order takes its place. ``seq`` grows; ``at`` is epoch ms.

    ``original`` is there when the room itself made the order: the refund of a double payment.
    """

    seq: Annotated[int, leaf("序号", O, ge=1)]
    settlement_id: Annotated[str, leaf("结算单号", O, pattern=SETTLEMENT_ID)]
    result: Annotated[Result, leaf("结果", O)]
    amount: Annotated[int, leaf("金额", F, ge=0, le=MAX_FEN)]
    at: Annotated[int, leaf("时间", O, ge=0)]
    reason: Annotated[str, leaf("原因代码", O, pattern=REASON)] | UnsetType = UNSET
    original: Annotated[str, leaf("原结算单号", O, pattern=SETTLEMENT_ID)] | UnsetType = UNSET


class ReceiptPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    receipts: tuple[Receipt, ...]


class Notice(StrEnum):
    """What a push tells of a pay-later order."""

    DUE = "DUE"
    LAST = "LAST"
    """Unpaid at the end of this day it becomes a default."""


class ChannelAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The act being sent; its id is the idempotency key that all attempts keep, ``number`` what the channel knows it by.

    ``original`` is the channel's number of the order that a refund gives back; ``notice`` says what a push of a
    pay-later order tells.
    """

    act_id: Annotated[str, leaf("动作号", O, pattern=ANY_ID)]
    number: Annotated[str, leaf("渠道订单号", O, pattern=CHANNEL_NO)]
    original: Annotated[str, leaf("渠道原订单号", O, pattern=CHANNEL_NO)] | UnsetType = UNSET
    notice: Annotated[Notice, leaf("提醒类别", O)] | UnsetType = UNSET


class ChannelOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a payment-channel mapping may read, and all there is to read."""

    act: ChannelAct
    order: PaymentOrder


class ChannelAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a channel's answer means. A status that is not listed in the mapping is ``unknown``."""

    state: Annotated[ChannelState, leaf("结果", O)]
    amount: Annotated[int, leaf("金额", F, ge=0, le=MAX_FEN)] | UnsetType = UNSET
    number: Annotated[str, leaf("渠道订单号", O, pattern=CHANNEL_NO)] | UnsetType = UNSET
    trade_no: Annotated[str, leaf("渠道流水", O, pattern=ANY_ID)] | UnsetType = UNSET


OWN: dict[OrderKind, tuple[LegKind, ...]] = {
    OrderKind.SELF_PAY: (LegKind.SELF_PAY,),
    OrderKind.PAYOUT: (LegKind.COMMERCIAL,),
    OrderKind.DEPOSIT: (LegKind.DEPOSIT,),
    OrderKind.CREDIT: (LegKind.CREDIT,),
    OrderKind.REFUND: (LegKind.SELF_PAY, LegKind.DEPOSIT, LegKind.CREDIT),
}
"""The leg that an order of each kind moves; its other legs only state who bears the rest."""


def require_order(order: PaymentOrder) -> None:
    """Hold an order's amount against its legs. Raises ``BadMoney`` with the rule broken."""
    legs = {leg.kind: leg.amount for leg in order.legs}
    if len(legs) != len(order.legs):
        raise BadMoney("an order names a kind of payer twice", fields=("legs.kind",))
    if any(amount < 0 for kind, amount in legs.items() if kind is not LegKind.HOSPITAL):
        raise BadMoney("a payer's share is negative", fields=("legs.amount",))
    if (order.kind is OrderKind.PAYOUT) is (order.account_token is UNSET):
        raise BadMoney("a payout names its account and nothing else does", fields=("kind", "account_token"))
    if (order.kind is OrderKind.REFUND) is (order.original is UNSET):
        raise BadMoney("a refund names its original and nothing else does", fields=("kind", "original"))
    if not any(legs.get(own) == order.amount for own in OWN[order.kind]):
        raise BadMoney("the order's amount is not its own leg", fields=("amount", "legs.amount"))
