"""How the patient pays what is left: said by the hospital, used by the window, never sent to an insurer."""

from enum import StrEnum
from typing import Annotated as A

from gateway.claims.canonical.types import FEN, ID, UNSET, Model, UnsetType
from gateway.kernel.fields import F, O, leaf

CHANNEL = r"^[a-z][a-z0-9-]{0,30}(?!\n)$"


class PayPlace(StrEnum):
    """Where the patient stands when paying."""

    COUNTER = "counter"
    WARD = "ward"
    PHARMACY = "pharmacy"
    ONLINE = "online"


class PaymentWish(Model, frozen=True, kw_only=True):
    """Channels in the patient's order (none: the gateway's own order), and what channels' rules ask about the patient."""

    channels: A[tuple[A[str, leaf("支付渠道", O, pattern=CHANNEL)], ...], leaf("支付渠道顺序", O, max_length=10)] = ()
    place: A[PayPlace, leaf("支付地点", O)] = PayPlace.COUNTER
    payer_token: A[str, leaf("付款账户令牌", F, pattern=ID)] | UnsetType = UNSET
    per_act: A[int, leaf("本人单笔限额", F, ge=1, le=FEN["le"])] | UnsetType = UNSET
    per_day: A[int, leaf("本人单日限额", F, ge=1, le=FEN["le"])] | UnsetType = UNSET
    real_name: A[bool, leaf("实名就诊", O)] = False
    local_insured: A[bool, leaf("本地参保", O)] = False
    score_passed: A[bool, leaf("信用评估通过", O)] = False
    deposits: A[tuple[A[str, leaf("押金单号", O, pattern=ID)], ...], leaf("押金", O, max_length=50)] = ()
