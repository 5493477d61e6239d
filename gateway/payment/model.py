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
CODE = r"^[A-Z0-9_]{1,32}(?!\n)$"
ANY_ID = r"^[A-Za-z0-9_.:\-]{1,64}(?!\n)$"
"""An id. The lookahead is for Python, whose ``$`` would let a line end pass."""


class OrderKind(StrEnum):
    SELF_PAY = "SELF_PAY"
    """The patient pays what is left at the counter."""
    PAYOUT = "PAYOUT"
    """An approved quick-claim goes to the patient's account."""


class LegKind(StrEnum):
    FUND = "fund"
    ACCOUNT = "account"
    COMMERCIAL = "commercial"
    SELF_PAY = "self_pay"
    HOSPITAL = "hospital"


class Result(StrEnum):
    PAID = "paid"
    FAILED = "failed"
    """The channel said no: no money moved."""
    DISPUTED = "disputed"
    """The channel's amount is not the order's: a person looks, nothing is sent again."""


class ChannelState(StrEnum):
    PAID = "paid"
    FAILED = "failed"
    PROCESSING = "processing"
    UNKNOWN = "unknown"


class Leg(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of the bill one kind of payer bears; a total, never a line. The hospital's own part may be negative."""

    kind: Annotated[LegKind, leaf("支付方类别", O)]
    amount: Annotated[int, leaf("金额", F, ge=-MAX_FEN, le=MAX_FEN)]


class PaymentOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing to collect or pay out, in 分. ``settlement_id`` is its only tie to a bill, known to clearing alone."""

    settlement_id: Annotated[str, leaf("结算单号", O, pattern=SETTLEMENT_ID)]
    kind: Annotated[OrderKind, leaf("业务类型", O)]
    amount: Annotated[int, leaf("金额", F, ge=1, le=MAX_FEN)]
    legs: Annotated[tuple[Leg, ...], leaf("分担合计", F, min_length=1, max_length=5)]
    source: Annotated[str, leaf("来源", O, pattern=CODE)]
    account_token: Annotated[str, leaf("收款账户令牌", F, pattern=ANY_ID)] | UnsetType = UNSET


class OrderTaken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The answer to an order, the same however often it is sent."""

    settlement_id: Annotated[str, leaf("结算单号", O, pattern=SETTLEMENT_ID)]
    state: Annotated[str, leaf("状态", O, pattern="^accepted$")] = "accepted"


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The end of one order. ``seq`` grows; ``at`` is epoch milliseconds."""

    seq: Annotated[int, leaf("序号", O, ge=1)]
    settlement_id: Annotated[str, leaf("结算单号", O, pattern=SETTLEMENT_ID)]
    result: Annotated[Result, leaf("结果", O)]
    amount: Annotated[int, leaf("金额", F, ge=0, le=MAX_FEN)]
    at: Annotated[int, leaf("时间", O, ge=0)]


class ReceiptPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    receipts: tuple[Receipt, ...]


class ChannelAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The act being sent; its id is the idempotency key that all attempts keep."""

    act_id: Annotated[str, leaf("动作号", O, pattern=ANY_ID)]


class ChannelOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a payment-channel mapping may read, and all there is to read."""

    act: ChannelAct
    order: PaymentOrder


class ChannelAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a channel's answer means. A status that is not listed in the mapping is ``unknown``."""

    state: Annotated[ChannelState, leaf("结果", O)]
    amount: Annotated[int, leaf("金额", F, ge=0, le=MAX_FEN)] | UnsetType = UNSET
    settlement_id: Annotated[str, leaf("结算单号", O, pattern=SETTLEMENT_ID)] | UnsetType = UNSET
    trade_no: Annotated[str, leaf("渠道流水", O, pattern=ANY_ID)] | UnsetType = UNSET


def require_order(order: PaymentOrder) -> None:
    """Hold an order's amount against its legs. Raises ``BadMoney`` with the rule broken."""
    legs = {leg.kind: leg.amount for leg in order.legs}
    if len(legs) != len(order.legs):
        raise BadMoney("an order names a kind of payer twice", fields=("legs.kind",))
    if any(amount < 0 for kind, amount in legs.items() if kind is not LegKind.HOSPITAL):
        raise BadMoney("a payer's share is negative", fields=("legs.amount",))
    if (order.kind is OrderKind.PAYOUT) is (order.account_token is UNSET):
        raise BadMoney("a payout names its account and nothing else does", fields=("kind", "account_token"))
    own = LegKind.SELF_PAY if order.kind is OrderKind.SELF_PAY else LegKind.COMMERCIAL
    if legs.get(own) != order.amount:
        raise BadMoney("the order's amount is not its own leg", fields=("amount", "legs.amount"))
