"""Who insures the patient and what the patient allowed: policy, consent, payout account and confirmation."""

from typing import Annotated as A

from gateway.claims.canonical.types import (
    FEN,
    ID,
    SHA256,
    UNSET,
    BenefitType,
    ClaimWay,
    Dec,
    Instant,
    Model,
    Relation,
    UnsetType,
)
from gateway.kernel.fields import F, I, M, O, leaf


class Liability(Model, frozen=True, kw_only=True):
    code: A[str, leaf("责任代码", F, max_length=64)]
    ratio: A[Dec, leaf("给付比例", F)] | UnsetType = UNSET
    limit: A[int, leaf("责任限额", F, **FEN)] | UnsetType = UNSET


class Policy(Model, frozen=True, kw_only=True):
    insurer_code: A[str, leaf("保险公司", O, pattern=ID)]
    product_code: A[str, leaf("险种", O, pattern=ID)]
    policy_no: A[str, leaf("保单号", F, min_length=1, max_length=64)]
    cert_no_group: A[str, leaf("分单号", F, max_length=64)] | UnsetType = UNSET
    customer_no: A[str, leaf("客户号", F, max_length=64)] | UnsetType = UNSET
    insured_ref: A[str, leaf("被保险人", I, pattern=ID)]
    relation: A[Relation, leaf("与投保人关系", I)]
    begin_at: A[Instant, leaf("保单起期", F, tz=True)]
    end_at: A[Instant, leaf("保单止期", F, tz=True)]
    benefit_type: A[BenefitType, leaf("给付类型", F)]
    residual: A[int, leaf("剩余额度", F, **FEN)] | UnsetType = UNSET
    deductible_left: A[int, leaf("剩余免赔", F, **FEN)] | UnsetType = UNSET
    liabilities: tuple[Liability, ...] = ()
    claim_way: A[ClaimWay, leaf("理赔方式", O)]
    order_no: A[int, leaf("理赔顺序", O, ge=1, le=20)]


class Consent(Model, frozen=True, kw_only=True):
    consent_id: A[str, leaf("授权号", O, pattern=ID)]
    patient_id: A[str, leaf("网关患者号", O, pattern=ID)]
    grantor: A[str, leaf("授权人", I, max_length=64)]
    hospital_codes: A[tuple[str, ...], leaf("医院范围", O, min_length=1, max_length=50)]
    insurer_codes: A[tuple[str, ...], leaf("保险公司范围", O, min_length=1, max_length=50)]
    purposes: A[tuple[str, ...], leaf("用途", O, min_length=1, max_length=10)]
    data_classes: A[tuple[str, ...], leaf("数据类别", O, min_length=1, max_length=10)]
    text_version: A[str, leaf("授权文本版本", O, pattern=ID)]
    text_sha256: A[str, leaf("授权文本摘要", O, pattern=SHA256)]
    given_at: A[Instant, leaf("授权时间", O, tz=True)]
    valid_to: A[Instant, leaf("有效期至", O, tz=True)]
    channel: A[str, leaf("授权渠道", O, pattern=ID)]
    proof_ref: A[str, leaf("授权凭证", O, pattern=ID)]
    withdrawn_at: A[Instant, leaf("撤回时间", O, tz=True)] | UnsetType = UNSET
    withdraw_effects: A[str, leaf("撤回影响", O, pattern=ID)] | UnsetType = UNSET


class PayoutAccount(Model, frozen=True, kw_only=True):
    account_token: A[str, leaf("收款账户令牌", F, pattern=ID)]
    payee_name: A[str, leaf("收款人", I, min_length=1, max_length=50)]
    bank_code: A[str, leaf("银行代码", F, pattern=ID)]


class Confirmation(Model, frozen=True, kw_only=True):
    """What shows that the patient agreed to settle: a scanned code, a face or password proof."""

    method: A[str, leaf("确认方式", O, pattern=ID)]
    token: A[str, leaf("确认凭证", O, min_length=1, max_length=128)]
    confirmed_at: A[Instant, leaf("确认时间", O, tz=True)]


class Report(Model, frozen=True, kw_only=True):
    """The insurer-side notice that some partners issue before a claim (惠医保 requireCode, Ant reportNo)."""

    report_no: A[str, leaf("报案号", O, max_length=64)]
    reason_text: A[str, leaf("报案说明", M, max_length=400)] | UnsetType = UNSET
