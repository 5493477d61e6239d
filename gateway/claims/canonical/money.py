"""The financial side of a bill: the settlement split and the invoice. Every amount is whole 分."""

from typing import Annotated as A

from gateway.claims.canonical.types import (
    FEN,
    ID,
    SHA256,
    UNSET,
    Day,
    FeeCategory,
    Instant,
    InvoiceKind,
    Model,
    UnsetType,
)
from gateway.kernel.fields import F, M, O, leaf


class CategoryAmount(Model, frozen=True, kw_only=True):
    category: A[FeeCategory, leaf("费用分类", M, "med_chrgitm")]
    name: A[str, leaf("费用分类名称", M, max_length=100)]
    amount: A[int, leaf("分类金额", F, "amt", **FEN)]


class CommercialPay(Model, frozen=True, kw_only=True):
    policy_no: A[str, leaf("保单号", F, max_length=64)]
    amount: A[int, leaf("商保支付", F, **FEN)]


class SettlementSplit(Model, frozen=True, kw_only=True):
    settled_at_day: A[Day, leaf("结算日期", O)] | UnsetType = UNSET
    total: A[int, leaf("医疗费总额", F, "medfee_sumamt", **FEN)]
    fund_total: A[int, leaf("基金支付总额", F, "fund_pay_sumamt", **FEN)]
    fund_pool: A[int, leaf("统筹基金", F, "hifp_pay", **FEN)] | UnsetType = UNSET
    fund_civil: A[int, leaf("公务员补助", F, "cvlserv_pay", **FEN)] | UnsetType = UNSET
    fund_enterprise: A[int, leaf("企业补充", F, "hifes_pay", **FEN)] | UnsetType = UNSET
    fund_serious: A[int, leaf("职工大额", F, "hifob_pay", **FEN)] | UnsetType = UNSET
    fund_resident: A[int, leaf("居民大病", F, "hifmi_pay", **FEN)] | UnsetType = UNSET
    fund_aid: A[int, leaf("医疗救助", F, "maf_pay", **FEN)] | UnsetType = UNSET
    fund_other: A[int, leaf("其他基金", F, "oth_pay", **FEN)] | UnsetType = UNSET
    account_pay: A[int, leaf("个人账户", F, "acct_pay", **FEN)]
    family_account: A[int, leaf("共济账户", F, "acct_mulaid_pay", **FEN)] | UnsetType = UNSET
    cash_pay: A[int, leaf("现金", F, "psn_cash_pay", **FEN)]
    hospital_bear: A[int, leaf("医院负担", F, "hosp_part_amt", **FEN)] | UnsetType = UNSET
    personal_total: A[int, leaf("个人负担总额", F, "psn_part_amt", **FEN)] | UnsetType = UNSET
    own_total: A[int, leaf("全自费合计", F, "fulamt_ownpay_amt", **FEN)] | UnsetType = UNSET
    over_total: A[int, leaf("超限价合计", F, "overlmt_selfpay", **FEN)] | UnsetType = UNSET
    pre_total: A[int, leaf("先行自付合计", F, "preselfpay_amt", **FEN)] | UnsetType = UNSET
    scope_total: A[int, leaf("符合范围合计", F, "inscp_scp_amt", **FEN)] | UnsetType = UNSET
    deductible: A[int, leaf("起付线", F, "act_pay_dedc", **FEN)] | UnsetType = UNSET
    commercial_pay: tuple[CommercialPay, ...] = ()
    self_pay_due: A[int, leaf("患者应付", F, **FEN)] | UnsetType = UNSET
    categories: tuple[CategoryAmount, ...] = ()


class Invoice(Model, frozen=True, kw_only=True):
    bill_code: A[str, leaf("票据代码", O, "bill_code", max_length=20)]
    bill_no: A[str, leaf("票据号码", O, "bill_no", max_length=20)]
    check_code: A[str, leaf("校验码", O, max_length=20)]
    issued_on: A[Day, leaf("开票日期", O)]
    issued_at: A[Instant, leaf("开票时间", O, tz=True)] | UnsetType = UNSET
    amount: A[int, leaf("票据金额", F, **FEN)]
    issuer: A[str, leaf("开票单位", O, max_length=200)]
    kind: A[InvoiceKind, leaf("票据种类", O)]
    original_ref: A[str, leaf("原票据", O, max_length=64)] | UnsetType = UNSET
    file_ref: A[str, leaf("票据文件", M, max_length=200)] | UnsetType = UNSET
    file_sha256: A[str, leaf("票据文件摘要", M, pattern=SHA256)] | UnsetType = UNSET
    used_state: A[str, leaf("入账状态", O, pattern=ID)] | UnsetType = UNSET
