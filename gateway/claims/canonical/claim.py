"""What a hospital submits, what an insurer decides, and what is owed and undone because of it."""

from typing import Annotated as A

from gateway.claims.canonical.counter import CounterWish
from gateway.claims.canonical.cover import Confirmation, Consent, PayoutAccount, Policy, Report
from gateway.claims.canonical.money import Invoice, SettlementSplit
from gateway.claims.canonical.payment import PaymentWish
from gateway.claims.canonical.types import (
    FEN,
    ID,
    SHA256,
    UNSET,
    ClaimKind,
    Dec,
    Instant,
    Model,
    OrderKind,
    UnsetType,
)
from gateway.claims.canonical.visit import Diagnosis, FeeLine, Patient, Procedure, Visit, require_numbered
from gateway.kernel.fields import F, I, M, O, leaf


class Attachment(Model, frozen=True, kw_only=True):
    kind: A[str, leaf("影像类别", M, max_length=30)]
    ref: A[str, leaf("影像引用", M, max_length=200)]
    sha256: A[str, leaf("影像摘要", M, pattern=SHA256)]
    sent_at: A[Instant, leaf("发送时间", O, tz=True)] | UnsetType = UNSET


class Submission(Model, frozen=True, kw_only=True):
    """One bill as a hospital brings it: the body of ``POST /v1/claims``."""

    kind: A[ClaimKind, leaf("理赔方式", O)]
    order_kind: A[OrderKind, leaf("结算支付顺序", O)] = OrderKind.PRE_PRE
    replaces: A[str, leaf("代替已撤销的订单", O, pattern=ID)] | UnsetType = UNSET
    patient: Patient
    visit: Visit
    diagnoses: A[tuple[Diagnosis, ...], leaf("诊断", M, min_length=1, max_length=100)]
    procedures: tuple[Procedure, ...] = ()
    lines: A[tuple[FeeLine, ...], leaf("费用明细", M, min_length=1, max_length=10000)]
    split: SettlementSplit
    invoice: Invoice | UnsetType = UNSET
    policies: A[tuple[Policy, ...], leaf("保单", F, min_length=1, max_length=20)]
    consent: Consent
    report: Report | UnsetType = UNSET
    confirmation: Confirmation | UnsetType = UNSET
    payout_account: PayoutAccount | UnsetType = UNSET
    attachments: tuple[Attachment, ...] = ()
    counter: CounterWish | UnsetType = UNSET
    payment: PaymentWish | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_numbered(self.lines)


class PriorPayer(Model, frozen=True, kw_only=True):
    insurer_code: A[str, leaf("先行赔付方", O, pattern=ID)]
    amount: A[int, leaf("已赔金额", F, **FEN)]


class StateChange(Model, frozen=True, kw_only=True):
    state: A[str, leaf("状态", O, pattern=ID)]
    at: A[Instant, leaf("时间", O, tz=True)]
    cause: A[str, leaf("原因", O, pattern=ID)]


class Claim(Model, frozen=True, kw_only=True):
    """One policy's share of a submission."""

    claim_id: A[str, leaf("网关赔案", O, pattern=ID)]
    out_biz_no: A[str, leaf("幂等号", O, pattern=ID)]
    kind: A[ClaimKind, leaf("理赔方式", O)]
    visit_ids: A[tuple[str, ...], leaf("就诊", M, min_length=1)]
    policy_ref: A[str, leaf("保单引用", O, pattern=ID)]
    consent_ref: A[str, leaf("授权引用", O, pattern=ID)]
    report_no: A[str, leaf("报案号", O, max_length=64)] | UnsetType = UNSET
    case_no: A[str, leaf("赔案号", O, max_length=64)] | UnsetType = UNSET
    claimed: A[int, leaf("申请金额", F, **FEN)]
    prior_payers: tuple[PriorPayer, ...] = ()
    state: A[str, leaf("状态", O, pattern=ID)]
    state_log: tuple[StateChange, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class DecisionLine(Model, frozen=True, kw_only=True):
    liability_code: A[str, leaf("责任代码", F, max_length=64)]
    total_fee: A[int, leaf("账单金额", F, **FEN)]
    unreasonable_fee: A[int, leaf("不合理费用", F, **FEN)] | UnsetType = UNSET
    deductible_fee: A[int, leaf("免赔额", F, **FEN)] | UnsetType = UNSET
    payment_ratio: A[Dec, leaf("给付比例", F)] | UnsetType = UNSET
    claim_fee: A[int, leaf("赔付金额", F, **FEN)]


class Decision(Model, frozen=True, kw_only=True):
    """The insurer's final word on one claim."""

    decision_id: A[str, leaf("决定号", O, pattern=ID)]
    claim_id: A[str, leaf("网关赔案", O, pattern=ID)]
    result: A[str, leaf("结果", O, pattern=ID)]
    approved: A[int, leaf("赔付金额", F, **FEN)]
    lines: tuple[DecisionLine, ...] = ()
    reason_code: A[str, leaf("原因代码", O, pattern=ID)] | UnsetType = UNSET
    reason_text: A[str, leaf("原因说明", M, max_length=2000)] | UnsetType = UNSET
    not_instant_reason: A[str, leaf("转快赔原因", M, max_length=2000)] | UnsetType = UNSET
    residual_after: A[int, leaf("剩余额度", F, **FEN)] | UnsetType = UNSET
    confirm_doc_ref: A[str, leaf("确认书", O, max_length=200)] | UnsetType = UNSET
    decided_at: A[Instant, leaf("决定时间", O, tz=True)]
    insurer_ref: A[str, leaf("保险公司流水", O, max_length=64)] | UnsetType = UNSET


class OrderLeg(Model, frozen=True, kw_only=True):
    leg_id: A[str, leaf("支付腿", O, pattern=ID)]
    kind: A[str, leaf("腿类别", O, pattern=ID)]
    party: A[str, leaf("付款方", O, pattern=ID)]
    amount: A[int, leaf("金额", F, **FEN)]
    state: A[str, leaf("状态", O, pattern=ID)]
    act_id: A[str, leaf("动作号", O, pattern=ID)] | UnsetType = UNSET
    peer_ref: A[str, leaf("对方流水", O, max_length=64)] | UnsetType = UNSET
    deadline: A[Instant, leaf("期限", O, tz=True)] | UnsetType = UNSET


class SettlementOrder(Model, frozen=True, kw_only=True):
    """The bill's money in one order; the payment room has its own, narrower form of it."""

    order_id: A[str, leaf("结算单", O, pattern=ID)]
    visit_id: A[str, leaf("就诊号", O, pattern=ID)]
    kind: A[OrderKind, leaf("结算支付顺序", O)]
    legs: tuple[OrderLeg, ...]
    total: A[int, leaf("总额", F, **FEN)]
    currency: A[str, leaf("币种", O, pattern="^CNY$")] = "CNY"
    quote_ref: A[str, leaf("试算引用", O, pattern=ID)] | UnsetType = UNSET
    confirmed_by: A[str, leaf("确认方式", O, pattern=ID)] | UnsetType = UNSET
    confirmed_at: A[Instant, leaf("确认时间", O, tz=True)] | UnsetType = UNSET


class PayoutAttempt(Model, frozen=True, kw_only=True):
    attempt_id: A[str, leaf("打款尝试", O, pattern=ID)]
    sent_at: A[Instant, leaf("发送时间", O, tz=True)]
    result: A[str, leaf("结果", O, pattern=ID)]
    bank_ref: A[str, leaf("银行流水", O, max_length=64)] | UnsetType = UNSET


class Payout(Model, frozen=True, kw_only=True):
    payout_id: A[str, leaf("打款号", O, pattern=ID)]
    claim_id: A[str, leaf("网关赔案", O, pattern=ID)]
    account_token: A[str, leaf("收款账户令牌", F, pattern=ID)]
    payee_name: A[str, leaf("收款人", I, max_length=50)]
    bank_code: A[str, leaf("银行代码", F, pattern=ID)]
    amount: A[int, leaf("金额", F, **FEN)]
    due_at: A[Instant, leaf("最迟到账", O, tz=True)]
    attempts: tuple[PayoutAttempt, ...] = ()
    returned_at: A[Instant, leaf("退票时间", O, tz=True)] | UnsetType = UNSET


class Reversal(Model, frozen=True, kw_only=True):
    reversal_id: A[str, leaf("撤销号", O, pattern=ID)]
    target_act_id: A[str, leaf("原动作", O, pattern=ID)]
    kind: A[str, leaf("撤销方式", O, pattern=ID)]
    scope: A[str, leaf("范围", O, pattern=ID)]
    lines: A[tuple[str, ...], leaf("明细", O)] = ()
    amount: A[int, leaf("金额", F, **FEN)]
    reason_code: A[str, leaf("原因代码", O, pattern=ID)]
    state: A[str, leaf("状态", O, pattern=ID)]
    peer_ref: A[str, leaf("对方流水", O, max_length=64)] | UnsetType = UNSET
    requested_by: A[str, leaf("申请人", O, pattern=ID)]
    approvals: A[tuple[str, ...], leaf("审批", O)] = ()
